/* A sibling thread swaps a variable of the environment of an execve that is being judged.
 *
 *   race_env TRIES PSQL
 *
 * The variable is PGOPTIONS, which asks for another role, in every other try, and LD_PRELOAD in the others. */
#include "race.h"

#include <pthread.h>

static char *words[] = { "psql", "-c", GOOD, NULL };
static char *names[64];
static char *volatile *slot;
static char *good, *evil;
static uint32_t seed;

static void *swap(void *data)
{
	(void)data;
	for (;;) {
		pause_between(&seed);
		*slot = evil;
		pause_between(&seed);
		*slot = good;
	}
	return NULL;
}

static const char *target;

static void attempt(long try)
{
	pthread_t sibling;
	seed = try * 2654435761u;
	good = try & 1 ? "XGOPTIONS=-c role=admin" : "XD_PRELOAD=/tmp/x.so";
	evil = try & 1 ? "PGOPTIONS=-c role=admin" : "LD_PRELOAD=/tmp/x.so";
	*slot = good;
	if (pthread_create(&sibling, NULL, swap, NULL))
		_exit(113);
	execve(target, words, names);
}

int main(int argc, char **argv)
{
	int count = 0;
	if (argc != 3)
		return 112;
	target = argv[2];
	while (count < 60 && environ[count]) {
		names[count] = environ[count];
		count++;
	}
	slot = &names[count];
	try_each(argv[1], attempt);
	return report();
}
