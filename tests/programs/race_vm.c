/* A process that shares all memory (CLONE_VM) swaps the argument of an execve that is being judged.
 *
 *   race_vm TRIES PSQL
 *
 * The caller shares it as well, as a child of posix_spawn(3) does. */
#include "race.h"

#define STACK 65536

static char *words[] = { "psql", "-c", GOOD, NULL };
static const char *target;
static _Alignas(16) char peers[STACK], childs[STACK];

static int swap(void *data)
{
	uint32_t seed = 1;
	char *volatile *slot = &words[2];
	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		pause_between(&seed);
		*slot = EVIL;
		pause_between(&seed);
		*slot = GOOD;
	}
	return 0;
}

static int run(void *data)
{
	(void)data;
	execve(target, words, environ);
	_exit(NOT_STARTED);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	target = argv[2];
	pid_t peer = clone(swap, peers + STACK, CLONE_VM | SIGCHLD, NULL);
	if (peer < 0)
		return 113;
	for (long try = atol(argv[1]); try > 0; try--) {
		pid_t child = clone(run, childs + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		if (child < 0)
			return 113;
		count(child);
	}
	return end_peer(peer);
}
