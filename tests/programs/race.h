/* What the three attackers have in common: the tries, and how each one ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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
