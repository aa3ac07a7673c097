/* Starts a program in one of the ways that real programs use, waits for it and takes over its exit status.
 *
 *   spawn_forms FORM PATH ARGV0 [ARG...]
 *
 * Prints "spawned PID" where the form makes a new process, "becomes PID" where this one turns into the program. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void fail(const char *what)
{
	fprintf(stderr, "spawn_forms: %s: %s\n", what, strerror(errno));
	_exit(111);
}

static void announce(const char *verb, int pid)
{
	printf("%s %d\n", verb, pid);
	fflush(stdout);
}

static int reap(int pid)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	/* Not before: it would fall into the middle of what the program prints. */
	announce("spawned", pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int form_execve(const char *path, char **argv)
{
	announce("becomes", getpid());
	execve(path, argv, environ);
	fail("execve");
	return 0;
}

static int form_fork(const char *path, char **argv)
{
	int pid = fork();
	if (pid == 0) {
		execve(path, argv, environ);
		fail("execve");
	}
	return reap(pid);
}

/* vfork(2): parent and child share the stack and all memory until the exec. */
static int form_vfork(const char *path, char **argv)
{
	int pid = vfork();
	if (pid == 0) {
		execve(path, argv, environ);
		_exit(111);
	}
	return reap(pid);
}

static int form_posix_spawn(const char *path, char **argv)
{
	pid_t pid;
	int error = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (error) {
		errno = error;
		fail("posix_spawn");
	}
	return reap(pid);
}

static int form_clone3(const char *path, char **argv)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid < 0)
		fail("clone3");
	if (pid == 0) {
		execve(path, argv, environ);
		fail("execve");
	}
	return reap(pid);
}

struct start {
	const char *path;
	char **argv;
};

static int start_child(void *data)
{
	struct start *start = data;
	execve(start->path, start->argv, environ);
	_exit(111);
}

/* As Go's syscall.forkExec and node's libuv do it: a child on another stack that shares all memory. */
static int form_go(const char *path, char **argv)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct start start = { path, argv };
	int pid = clone(start_child, stack + sizeof stack, CLONE_VFORK | CLONE_VM | SIGCHLD, &start);
	if (pid < 0)
		fail("clone");
	return reap(pid);
}

static void *exec_in_thread(void *data)
{
	struct start *start = data;
	execve(start->path, start->argv, environ);
	fail("execve");
	return NULL;
}

static __attribute__((noreturn)) void *idle(void *data)
{
	(void)data;
	for (;;)
		pause();
}

/* A thread that is not the leader execs while others live: it takes over the leader's pid. */
static int form_thread(const char *path, char **argv)
{
	pthread_t thread;
	struct start start = { path, argv };
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, idle, NULL);
	announce("becomes", getpid());
	pthread_create(&thread, NULL, exec_in_thread, &start);
	return idle(NULL), 0;
}

static int form_dirfd(const char *path, char **argv)
{
	char *copy = strdup(path), *other = strdup(path);
	/* Without O_CLOEXEC, so that an interpreter can open /dev/fd/N/NAME. */
	int fd = open(dirname(copy), O_PATH | O_DIRECTORY);
	announce("becomes", getpid());
	syscall(SYS_execveat, fd, basename(other), argv, environ, 0);
	fail("execveat");
	return 0;
}

static int form_empty_path(const char *path, char **argv)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	announce("becomes", getpid());
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	fail("execveat");
	return 0;
}

/* Without O_CLOEXEC, so that an interpreter can open /dev/fd/N. */
static int form_fexecve(const char *path, char **argv)
{
	int fd = open(path, O_RDONLY);
	announce("becomes", getpid());
	fexecve(fd, argv, environ);
	fail("fexecve");
	return 0;
}

static int form_memfd(const char *path, char **argv)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);
	struct stat status;
	if (from < 0 || to < 0 || fstat(from, &status))
		fail("memfd_create");
	for (off_t done = 0; done < status.st_size;)
		if (sendfile(to, from, &done, status.st_size - done) <= 0)
			fail("sendfile");
	announce("becomes", getpid());
	syscall(SYS_execveat, to, "", argv, environ, AT_EMPTY_PATH);
	fail("execveat");
	return 0;
}

/* The path is relative to a directory that only the child is in. */
static int form_chdir(const char *path, char **argv)
{
	char *copy = strdup(path), *other = strdup(path);
	char relative[4096];
	snprintf(relative, sizeof relative, "./%s", basename(other));
	int pid = fork();
	if (pid == 0) {
		if (chdir(dirname(copy)))
			fail("chdir");
		execve(relative, argv, environ);
		fail("execve");
	}
	return reap(pid);
}

/* The program's directory becomes the root: outside the new root the path /NAME means nothing. */
static int form_chroot(const char *path, char **argv)
{
	char *copy = strdup(path), *other = strdup(path);
	char inside[4096];
	snprintf(inside, sizeof inside, "/%s", basename(other));
	int pid = fork();
	if (pid == 0) {
		if (chroot(dirname(copy)) || chdir("/"))
			fail("chroot");
		execve(inside, argv, environ);
		fail("execve");
	}
	return reap(pid);
}

static const struct {
	const char *name;
	int (*run)(const char *path, char **argv);
} FORMS[] = {
	{ "execve", form_execve },
	{ "fork", form_fork },
	{ "vfork", form_vfork },
	{ "posix_spawn", form_posix_spawn },
	{ "clone3", form_clone3 },
	{ "go", form_go },
	{ "thread", form_thread },
	{ "dirfd", form_dirfd },
	{ "empty_path", form_empty_path },
	{ "fexecve", form_fexecve },
	{ "memfd", form_memfd },
	{ "chdir", form_chdir },
	{ "chroot", form_chroot },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 3 && i < sizeof FORMS / sizeof *FORMS; i++)
		if (!strcmp(FORMS[i].name, argv[1]))
			return FORMS[i].run(argv[2], argv + 3);
	fprintf(stderr, "usage: spawn_forms FORM PATH ARGV0 [ARG...]\n");
	return 112;
}
