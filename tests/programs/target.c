/* What the races try to run with forbidden words: appends what it runs as to the file TARGET_LOG, first thing.
 *
 * Forbidden is the file `psql` with an argument that contains DROP. It appends "EVIL" and exits with 66 then, and
 * "GOOD" and 0 otherwise. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char own[4096];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	own[length < 0 ? 0 : length] = 0;
	const char *name = strrchr(own, '/');
	int evil = 0;
	for (int i = 1; i < argc; i++)
		evil |= strstr(argv[i], "DROP") != NULL;
	evil &= name && !strcmp(name, "/psql");
	int fd = open(getenv("TARGET_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, evil ? "EVIL\n" : "GOOD\n", 5) != 5)
		_exit(99);
	_exit(evil ? 66 : 0);
}
