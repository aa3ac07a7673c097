/* Many threads start many programs at once, each with an argument of its own.
 *
 *   exec_crowd THREADS TRIES PSQL
 */
#include <pthread.h>
#include <spawn.h>

#include "race.h"

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static const char *target;
static long tries;

static void *crowd(void *data)
{
	for (long try = 0; try < tries; try++) {
		char statement[64];
		pid_t child;
		snprintf(statement, sizeof statement, "SELECT %ld", (long)data * tries + try);
		char *words[] = { "psql", "-c", statement, NULL };
		int error = posix_spawn(&child, target, NULL, NULL, words, environ);
		pthread_mutex_lock(&counting);
		if (error)
			ended.failed++;
		else
			count(child);
		pthread_mutex_unlock(&counting);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 112;
	long threads = atol(argv[1]);
	pthread_t thread[256];
	tries = atol(argv[2]);
	target = argv[3];
	for (long i = 0; i < threads && i < 256; i++)
		if (pthread_create(&thread[i], NULL, crowd, (void *)i))
			return 113;
	for (long i = 0; i < threads && i < 256; i++)
		pthread_join(thread[i], NULL);
	return report();
}
