/* A sibling thread swaps the argument of an execve that is being judged.
 *
 *   race_thread TRIES PSQL
 *
 * In every other try the thread calls execve and the leader swaps. */
#include <pthread.h>
#include <sched.h>

#include "race.h"

static char *argv_in_dispute[] = { "psql", "-c", GOOD, NULL };
static const char *target;
static uint32_t seed;

static __attribute__((noreturn)) void *swap(void *data)
{
	char *volatile *slot = &argv_in_dispute[2];
	(void)data;
	for (;;) {
		moment(&seed, 20000);
		*slot = EVIL;
		moment(&seed, 20000);
		*slot = GOOD;
		/* On few processors the supervisor must get a turn while the swapping goes on. */
		sched_yield();
	}
}

static __attribute__((noreturn)) void *run(void *data)
{
	(void)data;
	execve(target, argv_in_dispute, environ);
	_exit(NOT_STARTED);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	target = argv[2];
	for (long try = atol(argv[1]); try > 0; try--) {
		pid_t child = fork();
		if (child == 0) {
			pthread_t sibling;
			seed = try * 2654435761u;
			if (pthread_create(&sibling, NULL, try & 1 ? swap : run, NULL))
				_exit(113);
			if (try & 1)
				run(NULL);
			swap(NULL);
		}
		count(child);
	}
	return report();
}
