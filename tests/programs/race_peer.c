/* Another process swaps the argument in memory that it shares (MAP_SHARED) with the one that calls execve.
 *
 *   race_peer TRIES PSQL
 */
#include <sched.h>

#include "race.h"

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	char *volatile *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 113;
	shared[0] = "psql";
	shared[1] = "-c";
	shared[2] = GOOD;
	pid_t peer = fork();
	if (peer == 0) {
		uint32_t seed = 1;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			moment(&seed, 20000);
			shared[2] = EVIL;
			moment(&seed, 20000);
			shared[2] = GOOD;
			/* On few processors the supervisor must get a turn while the swapping goes on. */
			sched_yield();
		}
	}
	for (long try = atol(argv[1]); try > 0; try--) {
		pid_t child = fork();
		if (child == 0) {
			execve(argv[2], (char **)shared, environ);
			_exit(NOT_STARTED);
		}
		count(child);
	}
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	return report();
}
