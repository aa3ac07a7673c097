/* Tries one system call behind a side door and says what came of it.
 *
 *   door DOOR
 *
 * Prints the errno's name, or "open" where the call worked. Each call is made so that it cannot do harm: what works
 * concerns this process alone, and what loads code into the kernel is handed none. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static long trace_a_child(void)
{
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	long result = ptrace(PTRACE_SEIZE, child, 0, 0);
	int error = errno;
	kill(child, 9);
	waitpid(child, NULL, __WALL);
	errno = error;
	return result;
}

static long read_memory(int write)
{
	char from[8] = "secret", to[8];
	struct iovec here = { to, sizeof to }, there = { from, sizeof from };
	return syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, getpid(), &here, 1UL, &there, 1UL, 0UL);
}

static long take_descriptor(void)
{
	long self = syscall(SYS_pidfd_open, getpid(), 0);
	return self < 0 ? self : syscall(SYS_pidfd_getfd, self, 1, 0);
}

static long count_events(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .exclude_kernel = 1 };
	attr.config = PERF_COUNT_SW_TASK_CLOCK;
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long attempt(const char *door)
{
	char zeros[256] = { 0 };
	if (!strcmp(door, "ptrace"))
		return trace_a_child();
	if (!strcmp(door, "ptrace-read"))
		return read_memory(0);
	if (!strcmp(door, "ptrace-write"))
		return read_memory(1);
	if (!strcmp(door, "descriptors"))
		return take_descriptor();
	if (!strcmp(door, "io_uring"))
		return syscall(SYS_io_uring_setup, 4, zeros);
	if (!strcmp(door, "bpf"))
		return syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, (int[18]){ 2 /* an array */, 4, 4, 1 }, 72);
	if (!strcmp(door, "perf"))
		return count_events();
	if (!strcmp(door, "userfaultfd"))
		return syscall(SYS_userfaultfd, 1 /* user mode only */);
	if (!strcmp(door, "modules"))
		return syscall(SYS_init_module, zeros, 0UL, "");
	if (!strcmp(door, "kexec"))
		return syscall(SYS_kexec_load, 0UL, 17UL, NULL, 1UL << 40);
	if (!strcmp(door, "keyring"))
		return syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0);
	if (!strcmp(door, "mount"))
		return mount("none", "/no/such/place", "tmpfs", 0, NULL);
	if (!strcmp(door, "handles"))
		return syscall(SYS_open_by_handle_at, AT_FDCWD, (int[2]){ 0 }, O_RDONLY);
	if (!strcmp(door, "personality"))
		return personality(PER_LINUX);
	if (!strcmp(door, "terminal"))
		return ioctl(0, TIOCSTI, "x");
	if (!strcmp(door, "system"))
		return swapoff("/no/such/place");
	if (!strcmp(door, "network"))
		return ioctl(socket(AF_INET, SOCK_DGRAM, 0), 0x8914 /* SIOCSIFFLAGS */, &(struct ifreq){ .ifr_name = "no-such" });
	if (!strcmp(door, "raw_sockets"))
		return socket(AF_INET, SOCK_RAW, 1);
	if (!strcmp(door, "other_sockets"))
		return socket(AF_VSOCK, SOCK_STREAM, 0);
	if (!strcmp(door, "other_sockets-wide"))
		return syscall(SYS_socket, 1L << 32 | AF_VSOCK, SOCK_STREAM, 0);
	if (!strcmp(door, "other_sockets-x25"))
		return socket(AF_X25, SOCK_SEQPACKET, 0);
	if (!strcmp(door, "other_sockets-key"))
		return socket(AF_KEY, SOCK_RAW, 2);
	if (!strcmp(door, "other_sockets-bluetooth"))
		return socket(AF_BLUETOOTH, SOCK_SEQPACKET, 0);
	if (!strcmp(door, "other_sockets-sctp"))
		return socket(AF_INET6, SOCK_STREAM, 132);
	if (!strcmp(door, "other_sockets-smc"))
		return socket(AF_INET, SOCK_STREAM, 256);
	if (!strcmp(door, "other_sockets-seqpacket"))
		return socket(AF_INET, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (!strcmp(door, "other_sockets-dccp"))
		return socket(AF_INET6, 6 | SOCK_NONBLOCK, 0);
	if (!strcmp(door, "other_sockets-l2tp"))
		return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 115);
	if (!strcmp(door, "other_sockets-unknown"))
		return socket(AF_INET6, SOCK_DGRAM, 263);
	if (!strcmp(door, "ping"))
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 1);
	if (!strcmp(door, "ping-v6"))
		return socket(AF_INET6, SOCK_DGRAM, 58);
	if (!strcmp(door, "route"))
		return setsockopt(socket(AF_INET, SOCK_DGRAM, 0), 0, 4 /* IP_OPTIONS */, NULL, 0);
	if (!strcmp(door, "route-v6"))
		return setsockopt(socket(AF_INET6, SOCK_DGRAM, 0), 41, 57 /* IPV6_RTHDR */, NULL, 0);
	if (!strcmp(door, "route-v6-old"))
		return setsockopt(socket(AF_INET6, SOCK_DGRAM, 0), 41, 6 /* IPV6_2292PKTOPTIONS */, NULL, 0);
	if (!strcmp(door, "route-v6-options"))
		return setsockopt(socket(AF_INET6, SOCK_DGRAM, 0), 41, 59 /* IPV6_DSTOPTS */, NULL, 0);
	if (!strcmp(door, "stays-mptcp"))
		return socket(AF_INET, SOCK_STREAM, 262);
	if (!strcmp(door, "stays-udplite"))
		return socket(AF_INET6, SOCK_DGRAM, 136);
	if (!strcmp(door, "stays-unix"))
		return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (!strcmp(door, "stays-tcp"))
		return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 6);
	if (!strcmp(door, "stays-udp"))
		return socket(AF_INET6, SOCK_DGRAM, 0);
	if (!strcmp(door, "stays-netlink"))
		return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 15);
	errno = 0;
	return -1;
}

int main(int argc, char **argv)
{
	long result = attempt(argc > 1 ? argv[1] : "");
	puts(result >= 0 ? "open" : strerrorname_np(errno));
	return 0;
}
