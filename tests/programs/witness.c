/* Says what it runs as, one "key value" line each, and exits with 0.
 *
 * With WITNESS_LOG set it appends one line "PID ARG..." to that file before anything else: a program that was
 * killed before its first instruction leaves no line. With WITNESS_EXIT set it exits with that status. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void log_line(const char *path, int argc, char **argv)
{
	char line[4096];
	int length = snprintf(line, sizeof line, "%d", getpid());
	for (int i = 0; i < argc && length < (int)sizeof line - 2; i++)
		length += snprintf(line + length, sizeof line - length - 1, " %s", argv[i]);
	if (length > (int)sizeof line - 2)
		length = sizeof line - 2;
	line[length++] = '\n';
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, length) != length)
		_exit(99);
	close(fd);
}

static void descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	if (!directory)
		return;
	struct dirent *entry;
	while ((entry = readdir(directory))) {
		char target[256];
		int fd = atoi(entry->d_name);
		if (entry->d_name[0] == '.' || fd == dirfd(directory))
			continue;
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
		target[length < 0 ? 0 : length] = 0;
		printf("fd %d %s\n", fd, target);
	}
	closedir(directory);
}

int main(int argc, char **argv)
{
	const char *log = getenv("WITNESS_LOG");
	if (log)
		log_line(log, argc, argv);
	char cwd[4096];
	printf("pid %d\nppid %d\nsid %d\n", getpid(), getppid(), getsid(0));
	printf("cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
	printf("tty %s\n", isatty(0) ? ttyname(0) : "none");
	printf("argc %d\n", argc);
	for (int i = 0; i < argc; i++)
		printf("arg %d %s\n", i, argv[i]);
	descriptors();
	const char *status = getenv("WITNESS_EXIT");
	return status ? atoi(status) : 0;
}
