/* A peer writes into the memory of the process whose execve is being judged.
 *
 *   race_reach TRIES WAY PSQL
 *
 * By process_vm_writev(2) or through /proc/PID/mem: WAY is `writev` or `mem`. */
#include "race.h"

#include <sys/uio.h>

static char *words[] = { "psql", "-c", GOOD, NULL };
static const char *target;
static volatile pid_t *caller;
static int through_mem;

/* Makes the argument of `pid` point to `text`, which has the same address there. */
static int point(pid_t pid, int mem, char *text)
{
	struct iovec local = { &text, sizeof text }, remote = { &words[2], sizeof text };
	if (through_mem)
		return pwrite(mem, &text, sizeof text, (off_t)&words[2]) == sizeof text;
	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == sizeof text;
}

static int memory_of(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	return through_mem ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

/* Swaps in one caller until it cannot be written any more. */
static void flip(uint32_t *seed)
{
	pid_t pid = *caller;
	int mem = pid ? memory_of(pid) : -1;
	while (pid && *caller == pid) {
		if (!point(pid, mem, EVIL))
			break;
		pause_between(seed);
		if (!point(pid, mem, GOOD))
			break;
		pause_between(seed);
	}
	if (mem >= 0)
		close(mem);
	sched_yield();
}

static void attempt(long try)
{
	(void)try;
	/* Where Yama asks for it, everybody may. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	*caller = getpid();
	sched_yield();
	execve(target, words, environ);
}

/* Whether a child of this process can be written at all. */
static int is_shut_out(void)
{
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int mem = memory_of(child), written = point(child, mem, GOOD);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(mem);
	return !written;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 112;
	through_mem = !strcmp(argv[2], "mem");
	target = argv[3];
	caller = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (caller == MAP_FAILED)
		return 113;
	if (is_shut_out())
		return SHUT_OUT;
	pid_t peer = start_peer(flip);
	try_each(argv[1], attempt);
	return end_peer(peer);
}
