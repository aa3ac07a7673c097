/* Makes one unusual execve call and prints what the kernel says: an errno's name, or, where the call succeeds, what
 * the program sees of itself ("argc N bytes M").
 *
 *   errno_of CASE [PATH]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/binfmts.h: the longest argument, its NUL included. */
#define MAX_ARG_STRLEN (32 * 4096)

extern char **environ;

static char *SELF;

static long call(const void *path, const void *argv, const void *envp)
{
	return syscall(SYS_execve, path, argv, envp);
}

static char *letters(size_t length)
{
	char *text = malloc(length + 1);
	memset(text, 'x', length);
	text[length] = 0;
	return text;
}

static long seen(char *first, char *second)
{
	char *argv[] = { first, second, NULL };
	return call(SELF, argv, environ);
}

/* The last bytes before a page that cannot be read. */
static char *edge(const char *text, size_t length)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + 4096, 4096, PROT_NONE);
	return memcpy(pages + 4096 - length, text, length);
}

static long many(size_t count, char *word)
{
	char **argv = calloc(count + 2, sizeof *argv);
	argv[0] = "seen";
	for (size_t i = 1; i <= count; i++)
		argv[i] = word;
	return call(SELF, argv, environ);
}

static long run(const char *name, const char *path)
{
	char *argv[] = { "seen", NULL };
	if (!strcmp(name, "path"))
		return call(path, argv, environ);
	if (!strcmp(name, "path-at"))
		return syscall(SYS_execveat, AT_FDCWD, path, argv, environ, 0);
	if (!strcmp(name, "path-nofollow"))
		return syscall(SYS_execveat, AT_FDCWD, path, argv, environ, AT_SYMLINK_NOFOLLOW);
	if (!strcmp(name, "bad-dirfd"))
		return syscall(SYS_execveat, 999, "relative", argv, environ, 0);
	if (!strcmp(name, "bad-flags"))
		return syscall(SYS_execveat, AT_FDCWD, SELF, argv, environ, 0x40000000);
	if (!strcmp(name, "dirfd-is-file"))
		return syscall(SYS_execveat, open(SELF, O_PATH), "relative", argv, environ, 0);
	if (!strcmp(name, "empty-path"))
		return call("", argv, environ);
	if (!strcmp(name, "null-path"))
		return call(NULL, argv, environ);
	if (!strcmp(name, "unreadable-path"))
		return call((void *)16, argv, environ);
	if (!strcmp(name, "path-runs-off"))
		return call(edge("/bin/true", 9), argv, environ);
	if (!strcmp(name, "long-path"))
		return call(letters(4096), argv, environ);
	if (!strcmp(name, "long-name"))
		return call(letters(256), argv, environ);
	if (!strcmp(name, "null-argv"))
		return call(SELF, NULL, environ);
	if (!strcmp(name, "empty-argv"))
		return call(SELF, (char *[]){ NULL }, environ);
	if (!strcmp(name, "null-envp"))
		return call(SELF, argv, NULL);
	if (!strcmp(name, "unreadable-argv"))
		return call(SELF, (void *)16, environ);
	if (!strcmp(name, "argv-runs-off")) {
		char *word = "seen";
		return call(SELF, edge((char *)&word, sizeof word), environ);
	}
	if (!strcmp(name, "unreadable-argument"))
		return seen("seen", (char *)16);
	if (!strcmp(name, "argument-runs-off"))
		return seen("seen", edge("text", 4));
	if (!strcmp(name, "argument-at-edge"))
		return seen("seen", edge("text", 5));
	if (!strcmp(name, "kernel-argument"))
		return seen("seen", (char *)0xffff888000000000ul);
	if (!strcmp(name, "unreadable-envp"))
		return call(SELF, argv, (void *)16);
	if (!strcmp(name, "unreadable-variable"))
		return call(SELF, argv, (char *[]){ (char *)16, NULL });
	if (!strcmp(name, "not-utf8"))
		return seen("seen", "\xff\xfe\x80 \xc3( \xed\xa0\x80 \x01\x7f\n");
	if (!strcmp(name, "empty-argument"))
		return seen("seen", "");
	if (!strcmp(name, "longest-argument"))
		return seen("seen", letters(MAX_ARG_STRLEN - 1));
	if (!strcmp(name, "too-long-argument"))
		return seen("seen", letters(MAX_ARG_STRLEN));
	if (!strcmp(name, "hundred-thousand"))
		return many(100000, "word");
	if (!strcmp(name, "many-variables") || !strcmp(name, "too-long-variable") || !strcmp(name, "no-equals")) {
		char **envp = calloc(30001, sizeof *envp);
		envp[0] = !strcmp(name, "too-long-variable") ? letters(MAX_ARG_STRLEN) : "no equals sign";
		for (int i = 1; i < 30000 && !strcmp(name, "many-variables"); i++)
			envp[i] = "NAME=value";
		return call(SELF, argv, envp);
	}
	if (!strcmp(name, "too-much"))
		return many(100, letters(100000));
	fprintf(stderr, "errno_of: no case `%s`\n", name);
	exit(112);
}

int main(int argc, char **argv)
{
	/* A NULL argv becomes argc 1 with an empty argv[0] since Linux 5.18. */
	if (argc < 2 || !strcmp(argv[0], "seen") || !*argv[0]) {
		unsigned long bytes = 0, sum = 5381;
		for (int i = 0; i < argc; i++) {
			bytes += strlen(argv[i]);
			for (char *at = argv[i]; *at; at++)
				sum = sum * 33 + (unsigned char)*at;
		}
		printf("argc %d bytes %lu sum %lx\n", argc, bytes, sum);
		return 0;
	}
	SELF = "/proc/self/exe";
	char own[4096];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	if (length > 0) {
		own[length] = 0;
		SELF = own;
	}
	long result = run(argv[1], argc > 2 ? argv[2] : NULL);
	printf("%s\n", result ? strerrorname_np(errno) : "returned 0");
	return 0;
}
