/* What an execve depends on lies in a file system whose server (`fuse_flipper.c`) answers differently each time.
 *
 *   race_fuse TRIES WAY DIRECTORY
 *
 * The server's files are in DIRECTORY/fuse. WAY is what is served: `page`, which is mapped and holds the argument;
 * `script`, whose first line names the interpreter; `link`, which leads to the program; `content`, for `psql -f`. */
#include "race.h"

static char *words[] = { "psql", "-c", EVIL, NULL };
static const char *path;

static void attempt(long try)
{
	(void)try;
	execve(path, words, environ);
}

int main(int argc, char **argv)
{
	if (argc != 4 || chdir(argv[3]))
		return 112;
	if (!strcmp(argv[2], "page")) {
		int fd = open("fuse/page", O_RDONLY | O_CLOEXEC);
		words[2] = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
		if (words[2] == MAP_FAILED)
			return 113;
		path = "./psql";
	} else if (!strcmp(argv[2], "script")) {
		path = "fuse/script";
	} else if (!strcmp(argv[2], "link")) {
		path = "fuse/link";
	} else if (!strcmp(argv[2], "content")) {
		words[1] = "-f";
		words[2] = "fuse/content";
		path = "./psql";
	} else {
		return 112;
	}
	try_each(argv[1], attempt);
	return report();
}
