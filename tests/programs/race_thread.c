/* A sibling thread swaps the argument of an execve that is being judged.
 *
 *   race_thread TRIES PSQL
 *
 * In every other try the thread calls execve and the leader swaps. */
#include "race.h"

#include <pthread.h>

static char *words[] = { "psql", "-c", GOOD, NULL };
static const char *target;
static uint32_t seed;

static __attribute__((noreturn)) void *swap(void *data)
{
	char *volatile *slot = &words[2];
	(void)data;
	for (;;) {
		pause_between(&seed);
		*slot = EVIL;
		pause_between(&seed);
		*slot = GOOD;
	}
}

static __attribute__((noreturn)) void *run(void *data)
{
	(void)data;
	execve(target, words, environ);
	_exit(NOT_STARTED);
}

static void attempt(long try)
{
	pthread_t sibling;
	seed = try * 2654435761u;
	if (pthread_create(&sibling, NULL, try & 1 ? swap : run, NULL))
		_exit(113);
	if (try & 1)
		run(NULL);
	swap(NULL);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	target = argv[2];
	try_each(argv[1], attempt);
	return report();
}
