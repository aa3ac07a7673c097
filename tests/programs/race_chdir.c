/* A process with the same working directory (CLONE_FS) changes it while a relative execve is judged.
 *
 *   race_chdir TRIES DIRECTORY
 *
 * DIRECTORY holds one/tool and two/tool, which lead to `harmless` and to `psql`. */
#include "race.h"

#include <sys/syscall.h>

static pid_t fork_with_directory(void)
{
	return syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
	char one[512], two[512];
	if (argc != 3)
		return 112;
	snprintf(one, sizeof one, "%s/one", argv[2]);
	snprintf(two, sizeof two, "%s/two", argv[2]);
	if (chdir(one))
		return 112;
	pid_t peer = fork_with_directory();
	if (peer == 0) {
		uint32_t seed = 1;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			if (chdir(two))
				_exit(113);
			pause_between(&seed);
			if (chdir(one))
				_exit(113);
			pause_between(&seed);
		}
	}
	for (long try = atol(argv[1]); try > 0; try--) {
		pid_t child = fork_with_directory();
		if (child == 0) {
			char *words[] = { "tool", "-c", EVIL, NULL };
			execve("./tool", words, environ);
			_exit(NOT_STARTED);
		}
		count(child);
	}
	return end_peer(peer);
}
