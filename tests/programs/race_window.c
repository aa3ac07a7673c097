/* A peer opens the memory of a tool as soon as it has any.
 *
 *   race_window TRIES PSQL
 *
 * A child becomes PSQL, again and again, and its parent opens /proc/PID/mem all the while. What it opened is the
 * tool's memory once it does not hold what this program has at its own first address. Static programs that lie where
 * they were linked to all begin there. */
#include "race.h"

static const char *const first = (const char *)0x400000;

/* Whether `fd` is open on the memory of another image than this program's. */
static int is_anothers(int fd)
{
	char there[4096];
	ssize_t got = pread(fd, there, sizeof there, (off_t)first);
	return got == sizeof there && memcmp(there, first, sizeof there) != 0;
}

static char *words[] = { "psql", "-c", GOOD, NULL };

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	long tries = atol(argv[1]), reached = 0;
	for (long try = 0; try < tries; try++) {
		pid_t child = fork();
		if (child == 0) {
			execve(argv[2], words, environ);
			_exit(NOT_STARTED);
		}
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/mem", child);
		int is_over = 0, status = 0;
		while (waitpid(child, &status, WNOHANG) == 0) {
			int fd = is_over ? -1 : open(path, O_RDWR | O_CLOEXEC);
			if (fd >= 0) {
				is_over = is_anothers(fd);
				close(fd);
			}
		}
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			return 113;
		reached += is_over;
	}
	printf("reached %ld\n", reached);
	return 0;
}
