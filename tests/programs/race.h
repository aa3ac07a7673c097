/* What the attackers have in common: the tries, how each one ended, and the pauses between swaps. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD "SELECT 1"
#define EVIL "DROP TABLE users"

/* The exit status of a child whose exec failed. */
#define NOT_STARTED 111

/* The exit status of an attacker who is refused what the attack needs. */
#define SHUT_OUT 77

extern char **environ;

static struct {
	long good, evil, killed, failed, denied;
} ended;

static void count(pid_t child)
{
	int status;
	if (waitpid(child, &status, 0) != child)
		exit(113);
	if (WIFSIGNALED(status))
		ended.killed++;
	else if (WEXITSTATUS(status) == 0)
		ended.good++;
	else if (WEXITSTATUS(status) == 66)
		ended.evil++;
	else if (WEXITSTATUS(status) == NOT_STARTED)
		ended.failed++;
	else
		ended.denied++;
}

static int report(void)
{
	printf("good %ld evil %ld killed %ld failed %ld denied %ld\n", ended.good, ended.evil, ended.killed,
	       ended.failed, ended.denied);
	return 0;
}

/* Spins for a moment that differs from call to call, so that a swap falls anywhere in the window. */
static inline void moment(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1664525u + 1013904223u;
	for (uint32_t i = (*seed >> 8) % most; i; i--)
		atomic_signal_fence(memory_order_seq_cst);
}

/* Waits for the next swap. On few processors the supervisor must get a turn while the swapping goes on. */
static inline void pause_between(uint32_t *seed)
{
	moment(seed, 20000);
	if (*seed >> 31)
		sched_yield();
}

/* Runs `attempt`, which does not return, in a child of its own for each of `tries`. */
static __attribute__((unused)) void try_each(const char *tries, void (*attempt)(long try))
{
	for (long try = atol(tries); try > 0; try--) {
		pid_t child = fork();
		if (child == 0) {
			attempt(try);
			_exit(NOT_STARTED);
		}
		count(child);
	}
}

/* Starts a process that calls `flip` over and over and ends with this one. */
static __attribute__((unused)) pid_t start_peer(void (*flip)(uint32_t *seed))
{
	pid_t peer = fork();
	if (peer == 0) {
		uint32_t seed = 1;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			flip(&seed);
	}
	return peer;
}

static __attribute__((unused)) int end_peer(pid_t peer)
{
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	return report();
}
