/* Starts a program by a way that a guard could forget.
 *
 *   side_door DOOR PATH [CGROUP]
 *
 * int80: the 32-bit execve of a 64-bit program. x32: the execve numbered for the x32 ABI. leave: after moving itself
 * to CGROUP. born-outside: in a child that clone3 puts into CGROUP. listener: under a filter with a second listener
 * of its own making, which answers every execve with CONTINUE. Prints the errno's name where the door is shut. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int shut(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	return 1;
}

static int run(const char *path)
{
	char *words[] = { "side_door", NULL };
	execve(path, words, environ);
	return shut("execve");
}

static int int80(const char *path)
{
#ifdef __x86_64__
	/* The 32-bit call takes 32-bit pointers: path, argv and envp must lie below 4 GiB. */
	char *low = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *words = (uint32_t *)(low + 8192), *names = (uint32_t *)(low + 8320);
	char *at = low + 12288;
	if (low == MAP_FAILED)
		return shut("mmap");
	strcpy(low, path);
	words[0] = (uintptr_t)low;
	for (int i = 0, n = 0; environ[i] && n < 100; i++) {
		size_t size = strlen(environ[i]) + 1;
		if (strncmp(environ[i], "WITNESS", 7))
			continue;
		memcpy(at, environ[i], size);
		names[n++] = (uintptr_t)at;
		at += size;
	}
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(11), "b"(low), "c"(words), "d"(names) : "memory");
	errno = -(int)result;
	return shut("int80");
#else
	(void)path;
	errno = ENOSYS;
	return shut("int80");
#endif
}

static int x32(const char *path)
{
	char *words[] = { "side_door", NULL };
	syscall(0x40000000 | 520, path, words, environ);
	return shut("x32");
}

static int leave(const char *path, const char *cgroup)
{
	char procs[4096], pid[32];
	snprintf(procs, sizeof procs, "%s/cgroup.procs", cgroup);
	int fd = open(procs, O_WRONLY | O_CLOEXEC), length = snprintf(pid, sizeof pid, "%d\n", getpid());
	if (fd < 0 || write(fd, pid, length) != length)
		return shut("leave");
	return run(path);
}

static int born_outside(const char *path, const char *cgroup)
{
	int status, fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = fd };
	long pid = fd < 0 ? -1 : syscall(SYS_clone3, &args, sizeof args);
	if (pid < 0)
		return shut("clone3");
	if (pid == 0)
		_exit(run(path));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int listener(const char *path)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (fd < 0)
		return shut("seccomp");
	pid_t pid = fork();
	if (pid == 0)
		_exit(run(path));
	struct seccomp_notif call = { 0 };
	ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call);
	struct seccomp_notif_resp answer = { .id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	waitpid(pid, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 112;
	if (!strcmp(argv[1], "int80"))
		return int80(argv[2]);
	if (!strcmp(argv[1], "x32"))
		return x32(argv[2]);
	if (!strcmp(argv[1], "listener"))
		return listener(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "leave"))
		return leave(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "born-outside"))
		return born_outside(argv[2], argv[3]);
	return 112;
}
