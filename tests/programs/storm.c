/* Programs that start programs as fast as they can, and die in the middle of it.
 *
 *   storm COUNT AT_ONCE PROGRAM
 *
 * Kills COUNT processes with SIGKILL, AT_ONCE at a time, each of which has two threads that start PROGRAM over and
 * over. Many of them die while their execve is held. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *program;

static __attribute__((noreturn)) void *start(void *data)
{
	(void)data;
	for (;;) {
		char *words[] = { "storm", NULL };
		pid_t child = vfork();
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			execve(program, words, environ);
			_exit(111);
		}
		waitpid(child, NULL, 0);
	}
}

static __attribute__((noreturn)) void rage(void)
{
	pthread_t thread;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_create(&thread, NULL, start, NULL);
	start(NULL);
}

/* Becomes PROGRAM itself: this process, and not a child of it, dies while held. */
static __attribute__((noreturn)) void become(void)
{
	char *words[] = { "storm", NULL };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execve(program, words, environ);
	_exit(111);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 112;
	long count = atol(argv[1]), at_once = atol(argv[2]);
	pid_t *victims = calloc(at_once, sizeof *victims);
	program = argv[3];
	for (long done = 0; done < count; done += at_once) {
		for (long i = 0; i < at_once; i++)
			if ((victims[i] = fork()) == 0) {
				if (i % 2)
					rage();
				become();
			}
		/* From at once to a few milliseconds: the deaths fall before, in and after the hold. */
		usleep(done * 7919 % 5000);
		for (long i = 0; i < at_once; i++)
			kill(victims[i], SIGKILL);
		for (long i = 0; i < at_once; i++)
			waitpid(victims[i], NULL, 0);
	}
	printf("killed %ld\n", count);
	return 0;
}
