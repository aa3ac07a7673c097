/* Reaches for a Unix socket of its own in one of several ways, and prints "ok" if all went as it should.
 *
 *   unix_forms FORM
 *
 * FORM: path (relative, in the working directory), abstract: connects, passes a descriptor and a long message
 * on, and asks who connected. datagram: sends by path. broken: SIGPIPE. alarm: a connect that waits for room is
 * interrupted by a signal. tracer: a child that is traced already execs `true`. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG (3 << 20)

static __attribute__((noreturn)) void fail(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

static socklen_t name(struct sockaddr_un *at, const char *form)
{
	memset(at, 0, sizeof *at);
	at->sun_family = AF_UNIX;
	if (!strcmp(form, "path") || !strcmp(form, "datagram")) {
		strcpy(at->sun_path, "./socket");
		unlink(at->sun_path);
		return sizeof *at;
	}
	return offsetof(struct sockaddr_un, sun_path) + 1 +
	       snprintf(at->sun_path + 1, sizeof at->sun_path - 1, "claw-test-%d", getpid());
}

static void *drain(void *data)
{
	static char buffer[1 << 16];
	long left = LONG;
	while (left > 0) {
		ssize_t got = read(*(int *)data, buffer, sizeof buffer);
		if (got <= 0)
			fail("read");
		left -= got;
	}
	return NULL;
}

static void pass(int from, int to)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 'x';
	int ends[2], got;
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	if (pipe(ends))
		fail("pipe");
	control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					   .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
	if (sendmsg(from, &message, 0) != 1)
		fail("sendmsg");
	close(ends[1]);
	message.msg_controllen = sizeof control;
	if (recvmsg(to, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		fail("recvmsg");
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
	if (write(got, "y", 1) != 1 || read(ends[0], &byte, 1) != 1 || byte != 'y')
		fail("the passed descriptor");
}

static void stream(const char *form)
{
	static char text[LONG];
	struct sockaddr_un at;
	socklen_t size = name(&at, form), length = sizeof(struct ucred);
	struct ucred who;
	struct iovec pieces[2] = { { text, 1 << 20 }, { text + (1 << 20), LONG - (1 << 20) } };
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
	pthread_t reader;
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(server, (struct sockaddr *)&at, size) || listen(server, 1))
		fail("listen");
	if (connect(client, (struct sockaddr *)&at, size))
		fail("connect");
	int peer = accept(server, NULL, NULL);
	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &length) || who.uid != getuid())
		fail("peercred");
	pass(client, peer);
	if (pthread_create(&reader, NULL, drain, &peer))
		fail("thread");
	if (sendmsg(client, &message, 0) != LONG)
		fail("a long message");
	pthread_join(reader, NULL);
}

static void datagram(void)
{
	struct sockaddr_un at;
	char byte;
	socklen_t size = name(&at, "datagram");
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(server, (struct sockaddr *)&at, size))
		fail("bind");
	if (sendto(client, "x", 1, 0, (struct sockaddr *)&at, size) != 1 || read(server, &byte, 1) != 1)
		fail("sendto");
}

static volatile sig_atomic_t came;

static void note(int number)
{
	came = number;
}

static void broken(void)
{
	int ends[2];
	char byte = 'x';
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	signal(SIGPIPE, note);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || close(ends[1]))
		fail("socketpair");
	if (sendmsg(ends[0], &message, MSG_NOSIGNAL) != -1 || errno != EPIPE || came)
		fail("MSG_NOSIGNAL");
	if (sendmsg(ends[0], &message, 0) != -1 || errno != EPIPE || came != SIGPIPE)
		fail("SIGPIPE");
}

static void interrupted(void)
{
	struct sockaddr_un at;
	socklen_t size = name(&at, "abstract");
	struct sigaction action = { .sa_handler = note };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(server, (struct sockaddr *)&at, size) || listen(server, 0))
		fail("listen");
	if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, size))
		fail("connect");
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, size) != -1 || errno != EINTR ||
	    came != SIGALRM)
		fail("alarm");
}

static void traced(void)
{
	int status, child = fork();
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(50);
		execl("/bin/true", "true", NULL);
		_exit(errno == EACCES ? 51 : 52);
	}
	/* The stop at its exec, if there is one. */
	waitpid(child, &status, 0);
	if (WIFSTOPPED(status)) {
		ptrace(PTRACE_DETACH, child, 0, 0);
		waitpid(child, &status, 0);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("traced %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *form = argc == 2 ? argv[1] : "";
	if (!strcmp(form, "path") || !strcmp(form, "abstract"))
		stream(form);
	else if (!strcmp(form, "datagram"))
		datagram();
	else if (!strcmp(form, "broken"))
		broken();
	else if (!strcmp(form, "alarm"))
		interrupted();
	else if (!strcmp(form, "tracer"))
		traced();
	else
		return 112;
	puts("ok");
	return 0;
}
