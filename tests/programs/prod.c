/* Interrupts every thread of a process, over and over.
 *
 *   prod PID
 *
 * Sends each of its threads signals that end no process: some are ignored, some interrupt what it waits for, and every
 * tenth round stops the whole process and lets it go on. Ends when its stdin does. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int signals[] = { SIGURG, SIGCHLD, SIGWINCH, SIGCONT };

int main(int argc, char **argv)
{
	if (argc != 2)
		return 112;
	int process = atoi(argv[1]);
	char path[64];
	struct pollfd end = { .fd = 0, .events = POLLIN };
	snprintf(path, sizeof path, "/proc/%d/task", process);
	for (long round = 1; poll(&end, 1, 1) == 0; round++) {
		DIR *threads = opendir(path);
		struct dirent *entry;
		while (threads && (entry = readdir(threads)))
			for (unsigned at = 0; at < sizeof signals / sizeof *signals; at++)
				syscall(SYS_tgkill, process, atoi(entry->d_name), signals[at]);
		if (threads)
			closedir(threads);
		if (round % 10 == 0) {
			kill(process, SIGSTOP);
			usleep(1000);
			kill(process, SIGCONT);
		}
	}
	return 0;
}
