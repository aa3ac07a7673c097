/* Removes the file `victim` of the working directory, again and again, while somebody shares that directory.
 *
 *   shared_directory peer TRIES HERE THERE    a process with the same working directory (CLONE_FS) goes back and forth
 *   shared_directory thread TRIES HERE THERE  a thread of the caller does, which ends with the exec
 *   shared_directory still TRIES HERE THERE   such a thread only waits
 *
 * Each try puts the file into both folders and runs `rm victim` in HERE. */
#include "race.h"

#include <pthread.h>
#include <sys/syscall.h>

static const char *here, *there;

static void back_and_forth(void)
{
	for (uint32_t seed = 1;;) {
		if (chdir(there))
			_exit(113);
		pause_between(&seed);
		if (chdir(here))
			_exit(113);
		pause_between(&seed);
	}
}

static void *of_a_thread(void *moves)
{
	if (moves)
		back_and_forth();
	for (;;)
		pause();
	return NULL;
}

static pid_t fork_with_directory(void)
{
	return syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
}

static void put(const char *folder)
{
	char path[512];
	snprintf(path, sizeof path, "%s/victim", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		exit(112);
	close(fd);
}

static int is_gone(const char *folder)
{
	char path[512];
	snprintf(path, sizeof path, "%s/victim", folder);
	return access(path, F_OK) != 0;
}

static void remove_victim(void)
{
	char *words[] = { "rm", "victim", NULL };
	execve("/bin/rm", words, environ);
	_exit(NOT_STARTED);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 112;
	int by_peer = !strcmp(argv[1], "peer"), moves = strcmp(argv[1], "still");
	here = argv[3];
	there = argv[4];
	if (chdir(here))
		return 112;
	pid_t peer = by_peer ? fork_with_directory() : 0;
	if (by_peer && peer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		back_and_forth();
	}
	for (long try = atol(argv[2]); try > 0; try--) {
		put(here);
		put(there);
		pid_t child = by_peer ? fork_with_directory() : fork();
		if (child == 0) {
			pthread_t thread;
			if (!by_peer && pthread_create(&thread, NULL, of_a_thread, moves ? &moves : NULL))
				_exit(113);
			remove_victim();
		}
		int status;
		if (waitpid(child, &status, 0) != child)
			return 113;
		if (is_gone(there))
			ended.evil++;
		else if (is_gone(here))
			ended.good++;
		else if (WIFSIGNALED(status))
			ended.killed++;
		else if (WEXITSTATUS(status) == NOT_STARTED)
			ended.failed++;
		else
			ended.denied++;
	}
	if (by_peer)
		return end_peer(peer);
	return report();
}
