/* A fork bomb that starts programs.
 *
 *   bomb STOP PROGRAM...
 *
 * Every process forks for as long as the file STOP is not there; every other child, and whoever but the first is
 * refused a child, becomes one of the programs. The first ends once STOP is there and all of its children have ended, and
 * says whether it was refused one itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void become(char *program)
{
	char *words[] = { program, "bomb", NULL };
	execve(program, words, environ);
	_exit(111);
}

int main(int argc, char **argv)
{
	long refused = 0;
	pid_t first = getpid();
	if (argc < 3)
		return 112;
	while (access(argv[1], F_OK)) {
		pid_t child = fork();
		if (child < 0) {
			refused += errno == EAGAIN;
			usleep(1000);
			if (getpid() != first)
				become(argv[2 + getpid() % (argc - 2)]);
		} else if (child == 0) {
			int turn = getpid() % (2 * (argc - 2));
			if (turn < argc - 2)
				become(argv[2 + turn]);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (wait(NULL) > 0)
		;
	if (getpid() == first)
		printf("refused %s\n", refused ? "some" : "none");
	return 0;
}
