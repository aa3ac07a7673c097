/* A peer swaps what a path, a working directory or a file holds while the execve that depends on it is judged.
 *
 *   race_path TRIES WAY DIRECTORY
 *
 * DIRECTORY holds `harmless` and `psql`, and one/tool and two/tool, which lead to them. `harmless` may run with any
 * words; `psql` may not with DROP. The ways are the rows of `ways`. */
#include "race.h"

#include <sys/stat.h>

static const char *const drop[] = { "tool", "-c", EVIL, NULL };
static const char *const script[] = { "psql", "-f", "script.sql", NULL };
static const char *directory;

static void must(int result)
{
	if (result < 0) {
		perror("race_path");
		_exit(113);
	}
}

static void exchange(const char *one, const char *other)
{
	must(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE));
}

/* Writes `text` over what the file holds. While an execve reads a program, it cannot be written: then it stays. */
static void write_over(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd >= 0 && pwrite(fd, text, strlen(text), 0) < 0)
		_exit(113);
	close(fd);
}

/* A first line for `interpreter`, as long as that of any other: the kernel takes no notice of blanks at its end. */
static const char *first_line(const char *interpreter)
{
	static char line[512];
	snprintf(line, sizeof line, "#!%s/%-8s\n", directory, interpreter);
	return line;
}

static void run(const char *path, const char *const *words)
{
	execve(path, (char **)words, environ);
	_exit(NOT_STARTED);
}

/* Links to the program, and to the directory that it is in. */
static void make_links(void)
{
	must(symlink("harmless", "link"));
	must(symlink("psql", "other-link"));
	must(symlink("one", "current"));
	must(symlink("two", "former"));
}

static void flip_links(uint32_t *seed)
{
	exchange("link", "other-link");
	exchange("current", "former");
	moment(seed, 20000);
}

static void try_links(long try)
{
	run(try & 1 ? "link" : "current/tool", drop);
}

/* The program itself, by RENAME_EXCHANGE. */
static void make_exchange(void)
{
	must(link("harmless", "tool"));
	must(symlink("psql", "spare"));
}

static void flip_exchange(uint32_t *seed)
{
	exchange("tool", "spare");
	moment(seed, 20000);
}

static void try_tool(long try)
{
	(void)try;
	run("./tool", drop);
}

/* The program itself, by rename(2) over it. */
static void make_over(void)
{
	must(link("harmless", "tool"));
}

static void flip_over(uint32_t *seed)
{
	must(symlink("psql", "spare"));
	must(rename("spare", "tool"));
	moment(seed, 20000);
	must(link("harmless", "spare"));
	must(rename("spare", "tool"));
	moment(seed, 20000);
}

/* A directory on the way. */
static void make_nothing(void)
{
}

static void flip_directories(uint32_t *seed)
{
	exchange("one", "two");
	moment(seed, 20000);
}

static void try_directory(long try)
{
	(void)try;
	run("one/tool", drop);
}

/* The working directory: whoever asks for its path is told another one a moment later. */
static void try_cwd(long try)
{
	(void)try;
	must(chdir("one"));
	run("./tool", drop);
}

/* A script, for another one. */
static void make_scripts(void)
{
	write_over("tool", first_line("harmless"));
	write_over("spare", first_line("psql"));
}

/* The first line of a script, written over. */
static void make_line(void)
{
	write_over("tool", first_line("harmless"));
}

static void flip_line(uint32_t *seed)
{
	write_over("tool", first_line("psql"));
	moment(seed, 20000);
	write_over("tool", first_line("harmless"));
	moment(seed, 20000);
}

/* What `psql -f` reads, by another name and written over. */
static void make_content(void)
{
	write_over("script.sql", GOOD ";\n");
	write_over("spare.sql", EVIL ";\n");
}

static void flip_content(uint32_t *seed)
{
	exchange("script.sql", "spare.sql");
	moment(seed, 20000);
}

static void flip_in_place(uint32_t *seed)
{
	write_over("script.sql", EVIL ";\n");
	moment(seed, 20000);
	write_over("script.sql", GOOD ";         \n");
	moment(seed, 20000);
}

static void try_content(long try)
{
	(void)try;
	run("./psql", script);
}

static const struct way {
	const char *name;
	void (*make)(void);
	void (*flip)(uint32_t *seed);
	void (*attempt)(long try);
} ways[] = {
	{ "links", make_links, flip_links, try_links },
	{ "exchange", make_exchange, flip_exchange, try_tool },
	{ "over", make_over, flip_over, try_tool },
	{ "directory", make_nothing, flip_directories, try_directory },
	{ "cwd", make_nothing, flip_directories, try_cwd },
	{ "script", make_scripts, flip_exchange, try_tool },
	{ "line", make_line, flip_line, try_tool },
	{ "content", make_content, flip_content, try_content },
	{ "in-place", make_content, flip_in_place, try_content },
	{ NULL, NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc != 4 || chdir(directory = argv[3]))
		return 112;
	const struct way *way = ways;
	while (way->name && strcmp(way->name, argv[2]))
		way++;
	if (!way->name)
		return 112;
	way->make();
	pid_t peer = start_peer(way->flip);
	try_each(argv[1], way->attempt);
	return end_peer(peer);
}
