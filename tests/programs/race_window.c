/* A peer opens the memory of a tool as soon as it has any.
 *
 *   race_window TRIES PSQL hold|write [FILE]
 *
 * A child becomes PSQL, with a statement or with `-f FILE`, again and again, and its parent opens /proc/PID/mem all the while. What it opened is the
 * tool's memory once it does not hold what this program has at its own first address: static programs that lie where
 * they were linked to all begin there. It then keeps it open until the tool is over, or writes where it changes nothing
 * and closes it at once. A tool is reached that runs to its end nevertheless. */
#include "race.h"

static const char *const first = (const char *)0x400000;
/* Bytes of an ELF header that nobody reads. */
static const off_t unread = 9;

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
	if (argc != 4 && argc != 5)
		return 112;
	if (argc == 5) {
		words[1] = "-f";
		words[2] = argv[4];
	}
	int writes = strcmp(argv[3], "write") == 0;
	long tries = atol(argv[1]), reached = 0, killed = 0;
	for (long try = 0; try < tries; try++) {
		pid_t child = fork();
		if (child == 0) {
			execve(argv[2], words, environ);
			_exit(NOT_STARTED);
		}
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/mem", child);
		int held = -1, is_in = 0, status = 0;
		while (waitpid(child, &status, WNOHANG) == 0) {
			int fd = is_in ? -1 : open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0)
				continue;
			is_in = is_anothers(fd);
			if (is_in && writes)
				is_in = pwrite(fd, "!", 1, (off_t)first + unread) == 1;
			if (is_in && !writes)
				held = fd;
			else
				close(fd);
		}
		if (held >= 0)
			close(held);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++;
		else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			return 113;
		else
			reached += is_in;
	}
	printf("reached %ld\nkilled %ld\n", reached, killed);
	return 0;
}
