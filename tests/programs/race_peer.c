/* Another process swaps the argument in memory that it shares (MAP_SHARED) with the one that calls execve.
 *
 *   race_peer TRIES PSQL
 */
#include "race.h"

static char *volatile *shared;
static const char *target;

static void flip(uint32_t *seed)
{
	pause_between(seed);
	shared[2] = EVIL;
	pause_between(seed);
	shared[2] = GOOD;
}

static void attempt(long try)
{
	(void)try;
	execve(target, (char **)shared, environ);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	target = argv[2];
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 113;
	shared[0] = "psql";
	shared[1] = "-c";
	shared[2] = GOOD;
	pid_t peer = start_peer(flip);
	try_each(argv[1], attempt);
	return end_peer(peer);
}
