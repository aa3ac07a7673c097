/* What the races try to run with forbidden words: appends what it runs as to the file TARGET_LOG, first thing.
 *
 * Forbidden is the file `psql` with DROP in an argument or in the file behind `-f`, with a role in PGOPTIONS, or with
 * LD_PRELOAD. It appends "EVIL" and exits with 66 then, and "GOOD" and 0 otherwise. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int reads_drop(const char *path)
{
	char text[4096] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		_exit(98);
	close(fd);
	return strstr(text, "DROP") != NULL;
}

int main(int argc, char **argv)
{
	char own[4096];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	own[length < 0 ? 0 : length] = 0;
	const char *name = strrchr(own, '/');
	int evil = 0;
	for (int i = 1; i < argc; i++)
		evil |= strstr(argv[i], "DROP") != NULL;
	const char *options = getenv("PGOPTIONS");
	evil |= (options && strstr(options, "role")) || getenv("LD_PRELOAD");
	for (int i = 1; i < argc - 1; i++)
		evil |= !strcmp(argv[i], "-f") && reads_drop(argv[i + 1]);
	evil &= name && !strcmp(name, "/psql");
	int fd = open(getenv("TARGET_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, evil ? "EVIL\n" : "GOOD\n", 5) != 5)
		_exit(99);
	_exit(evil ? 66 : 0);
}
