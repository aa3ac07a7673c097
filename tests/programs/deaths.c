/* Processes that die while their execve is held.
 *
 *   deaths COUNT HOW DELAY PROGRAM
 *
 * Waits for a line on stdin, starts COUNT processes that exec PROGRAM with their own number as an argument, waits for
 * all of them, and prints how many were "killed", "ended" with status 3, and "ran". Each of them dies by HOW within
 * DELAY milliseconds, 0 for never: `timer`, by a timer of its own that sends SIGKILL; `exit`, by a sibling thread that
 * ends the process with status 3; `kill`, by a sibling thread that kills it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *how;
static long delay;

static void *end(void *data)
{
	usleep((long)data);
	if (!strcmp(how, "exit"))
		_exit(3);
	raise(SIGKILL);
	return NULL;
}

static void arm(long number)
{
	long after = number * 7919 % (delay * 1000) + 1;
	pthread_t thread;
	if (strcmp(how, "timer")) {
		pthread_create(&thread, NULL, end, (void *)after);
		return;
	}
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec when = { .it_value = { .tv_nsec = after * 1000 } };
	timer_t timer;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
		_exit(113);
}

int main(int argc, char **argv)
{
	long killed = 0, ended = 0, ran = 0;
	int status;
	if (argc != 5)
		return 112;
	long count = atol(argv[1]);
	how = argv[2];
	delay = atol(argv[3]);
	puts("ready");
	fflush(stdout);
	if (getchar() != '\n')
		return 112;
	for (long number = 0; number < count; number++)
		if (fork() == 0) {
			char word[32];
			snprintf(word, sizeof word, "n%ld", number);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (delay)
				arm(number);
			char *words[] = { "deaths", word, NULL };
			execve(argv[4], words, environ);
			_exit(111);
		}
	while (wait(&status) > 0)
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++;
		else if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
			ended++;
		else if (status == 0)
			ran++;
	printf("killed %ld ended %ld ran %ld\n", killed, ended, ran);
	return 0;
}
