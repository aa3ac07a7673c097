/* Reaches for another process in one of the ways there are and prints "ok" or the errno's name.
 *
 *   reach WAY PID
 *
 * Every signal is 0 and every setting is what it was or what does no harm: what counts is whether the kernel lets the
 * caller do it. group: PID's process group. everybody: kill(-1). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static long folder(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", pid);
	return open(path, O_RDONLY | O_DIRECTORY);
}

static long open_below(pid_t pid, const char *name, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return open(path, flags);
}

static long reach(const char *way, pid_t pid)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	struct rlimit limit;
	cpu_set_t every;
	struct f_owner_ex owner = { F_OWNER_PID, pid };
	int ends[2];
	if (!strcmp(way, "kill"))
		return kill(pid, 0);
	if (!strcmp(way, "group"))
		return kill(-pid, 0);
	if (!strcmp(way, "everybody"))
		return kill(-1, 0);
	if (!strcmp(way, "tkill"))
		return syscall(SYS_tkill, pid, 0);
	if (!strcmp(way, "tgkill"))
		return syscall(SYS_tgkill, pid, pid, 0);
	if (!strcmp(way, "queue"))
		return syscall(SYS_rt_sigqueueinfo, pid, 0, &info);
	if (!strcmp(way, "queue-thread"))
		return syscall(SYS_rt_tgsigqueueinfo, pid, pid, 0, &info);
	if (!strcmp(way, "pidfd"))
		return syscall(SYS_pidfd_open, pid, 0);
	if (!strcmp(way, "folder"))
		return syscall(SYS_pidfd_send_signal, folder(pid), 0, NULL, 0);
	if (!strcmp(way, "owner") || !strcmp(way, "owner-ex")) {
		socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
		return !strcmp(way, "owner") ? fcntl(ends[0], F_SETOWN, pid) : fcntl(ends[0], F_SETOWN_EX, &owner);
	}
	if (!strcmp(way, "limits"))
		return prlimit(pid, RLIMIT_NOFILE, NULL, &limit);
	if (!strcmp(way, "affinity")) {
		CPU_ZERO(&every);
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			CPU_SET(cpu, &every);
		return sched_setaffinity(pid, sizeof every, &every);
	}
	if (!strcmp(way, "scheduler"))
		return sched_setscheduler(pid, SCHED_OTHER, &(struct sched_param){ 0 });
	if (!strcmp(way, "priority"))
		return setpriority(PRIO_PROCESS, pid, 0);
	if (!strcmp(way, "priority-of-user"))
		return setpriority(PRIO_USER, 65432, 0);
	if (!strcmp(way, "io-priority"))
		return syscall(SYS_ioprio_set, 1, pid, 0);
	if (!strcmp(way, "pages"))
		return syscall(SYS_move_pages, pid, 0UL, NULL, NULL, NULL, 0);
	if (!strcmp(way, "memory"))
		return open_below(pid, "mem", O_RDWR);
	if (!strcmp(way, "environment"))
		return open_below(pid, "environ", O_RDONLY);
	errno = 0;
	return -1;
}

int main(int argc, char **argv)
{
	long result = argc == 3 ? reach(argv[1], atoi(argv[2])) : -1;
	puts(result >= 0 ? "ok" : strerrorname_np(errno));
	return 0;
}
