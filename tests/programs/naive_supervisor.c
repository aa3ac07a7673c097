/* The control of the races: a supervisor as seccomp_unotify(2) warns of it.
 *
 *   naive_supervisor CMD [ARG...]
 *
 * It holds every execve and connect of CMD's tree, reads path, argv and environment out of the tracee, denies the file `psql` with
 * what `target.c` calls forbidden, denies connections to 127.0.9.0/24, and answers everything else with CONTINUE: the
 * kernel then reads all of it again. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void send_descriptor(int channel, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };
	control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS,
					   .cmsg_len = CMSG_LEN(sizeof fd) };
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	if (sendmsg(channel, &message, 0) != 1)
		_exit(113);
}

static int receive_descriptor(int channel)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };
	int fd;
	if (recvmsg(channel, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

static int peek(pid_t pid, uint64_t at, void *into, size_t length)
{
	struct iovec local = { into, length }, remote = { (void *)at, length };
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0;
}

/* The tracee's working directory, asked for before anything else. */
static char cwd[512];

/* Where the tracee's `path` is found. */
static const char *place(const char *path)
{
	static char from[768];
	if (path[0] == '/')
		return path;
	snprintf(from, sizeof from, "%s/%s", cwd, path);
	return from;
}

static void ask_cwd(pid_t pid)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/cwd", pid);
	ssize_t length = readlink(link, cwd, sizeof cwd - 1);
	cwd[length < 0 ? 0 : length] = 0;
}

/* Whether the file holds DROP. */
static int reads_drop(const char *path)
{
	char text[4096] = "";
	int fd = open(place(path), O_RDONLY | O_CLOEXEC);
	int drops = fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strstr(text, "DROP");
	close(fd);
	return drops;
}

/* Whether `path` leads to the file `psql`, through links and the first lines of scripts. */
static int is_psql(const char *path)
{
	char file[PATH_MAX], line[256] = "", interpreter[256];
	if (!realpath(place(path), file))
		return 0;
	if (!strcmp(strrchr(file, '/'), "/psql"))
		return 1;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
	close(fd);
	return length > 0 && sscanf(line, "#! %255s", interpreter) == 1 && is_psql(interpreter);
}

static int forbidden(const struct seccomp_notif *call)
{
	char path[256] = "", word[128], script[128] = "";
	int drops = 0, is_script = 0;
	if (call->data.nr == SYS_connect) {
		struct sockaddr_in to = { 0 };
		peek(call->pid, call->data.args[1], &to, sizeof to);
		return (ntohl(to.sin_addr.s_addr) & 0xffffff00) == 0x7f000900;
	}
	if (!peek(call->pid, call->data.args[0], path, sizeof path - 1))
		return 0;
	ask_cwd(call->pid);
	for (int i = 0; i < 16; i++) {
		uint64_t at = 0;
		if (!peek(call->pid, call->data.args[1] + 8 * i, &at, 8) || !at)
			break;
		memset(word, 0, sizeof word);
		peek(call->pid, at, word, sizeof word - 1);
		drops |= strstr(word, "DROP") != NULL;
		if (is_script)
			strcpy(script, word);
		is_script = !strcmp(word, "-f");
	}
	for (int i = 0; i < 256; i++) {
		uint64_t at = 0;
		if (!peek(call->pid, call->data.args[2] + 8 * i, &at, 8) || !at)
			break;
		memset(word, 0, sizeof word);
		peek(call->pid, at, word, sizeof word - 1);
		drops |= !strncmp(word, "PGOPTIONS=", 10) || !strncmp(word, "LD_PRELOAD=", 11);
	}
	drops |= *script && reads_drop(script);
	return drops && is_psql(path);
}

int main(int argc, char **argv)
{
	int channel[2];
	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
		return 112;
	pid_t child = fork();
	if (child == 0) {
		int listener = install();
		if (listener < 0)
			_exit(113);
		send_descriptor(channel[1], listener);
		close(listener);
		execvp(argv[1], argv + 1);
		_exit(111);
	}
	close(channel[1]);
	struct pollfd fds[2] = {
		{ .fd = receive_descriptor(channel[0]), .events = POLLIN },
		{ .fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN },
	};
	struct pollfd *listener = &fds[0], *end = &fds[1];
	if (listener->fd < 0 || end->fd < 0)
		return 113;
	while (poll(fds, 2, -1) > 0 && !(listener->revents & POLLHUP)) {
		struct seccomp_notif call = { 0 };
		if (!(listener->revents & POLLIN)) {
			/* Before Linux 6.11 a dead child keeps its filter until it is waited for. */
			if (end->revents)
				break;
			continue;
		}
		if (ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_RECV, &call))
			continue;
		struct seccomp_notif_resp answer = { .id = call.id };
		if (forbidden(&call))
			answer.error = -EPERM;
		else
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	int status;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
