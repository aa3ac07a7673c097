/* Reaches for another process in one of the ways there are and prints "ok" or the errno's name.
 *
 *   reach WAY PID
 *
 * Every signal is 0 and every setting is what it was or what does no harm, and memory is written as it was: what counts
 * is whether the kernel lets the caller do it. group: PID's process group. everybody: kill(-1). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
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

/* Some memory that PID can write; where that is not told, a place that the call is refused for anyhow. */
static void *memory_of(pid_t pid)
{
	char path[64], line[512];
	unsigned long start = 4096;
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "r");
	while (maps && fgets(line, sizeof line, maps) && (sscanf(line, "%lx", &start), !strstr(line, "rw-p")))
		;
	if (maps)
		fclose(maps);
	return (void *)start;
}

static long memory(const char *way, pid_t pid)
{
	char word[8];
	struct iovec here = { word, sizeof word }, there = { memory_of(pid), sizeof word };
	if (!strcmp(way, "advise")) {
		int process = syscall(SYS_pidfd_open, pid, 0);
		there.iov_len = 4096;
		return process < 0 ? -1 : syscall(SYS_process_madvise, process, &there, 1UL, MADV_COLD, 0UL);
	}
	long result = process_vm_readv(pid, &here, 1, &there, 1, 0);
	/* Where reading is refused, writing is tried all the same. */
	if (!strcmp(way, "write-memory"))
		result = process_vm_writev(pid, &here, 1, &there, 1, 0);
	return result;
}

static long trace(const char *way, pid_t pid)
{
	if (!strcmp(way, "seize"))
		return ptrace(PTRACE_SEIZE, pid, 0, 0);
	long result = ptrace(PTRACE_ATTACH, pid, 0, 0);
	if (result == 0) {
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	return result;
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
	if (!strcmp(way, "limits-set")) {
		getrlimit(RLIMIT_NICE, &limit);
		return prlimit(pid, RLIMIT_NICE, &limit, NULL);
	}
	if (!strcmp(way, "advise") || !strcmp(way, "read-memory") || !strcmp(way, "write-memory"))
		return memory(way, pid);
	if (!strcmp(way, "attach") || !strcmp(way, "seize"))
		return trace(way, pid);
	if (!strcmp(way, "affinity")) {
		CPU_ZERO(&every);
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			CPU_SET(cpu, &every);
		return sched_setaffinity(pid, sizeof every, &every);
	}
	if (!strcmp(way, "scheduler"))
		return sched_setscheduler(pid, SCHED_OTHER, &(struct sched_param){ 0 });
	if (!strcmp(way, "priority"))
		return setpriority(PRIO_PROCESS, pid, getpriority(PRIO_PROCESS, 0));
	if (!strcmp(way, "priority-of-user"))
		return setpriority(PRIO_USER, 65432, getpriority(PRIO_PROCESS, 0));
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
