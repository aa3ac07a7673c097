/* Sends a word to a Unix socket in one of the ways there are, and prints "ok" or the error it got.
 *
 *   unix_reach FORM NAME WORD
 *
 * NAME is a path or @NAME. FORM: stream, seqpacket, connect (datagrams), sendto, sendmsg, sendmmsg. relative and
 * descriptor name a path otherwise; received connects a socket that another process made and passed on; again
 * connects a datagram socket elsewhere first.
 *
 *   unix_reach swap NAME OTHER TRIES      a sibling thread swaps the two names while connect(2) is judged
 *   unix_reach flip LINK OTHER TRIES      another process swaps the two links
 *
 * These connect to NAME, or LINK, and say which of the two they meant to. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un to, other;
static socklen_t size;

static int done(long result)
{
	puts(result < 0 ? strerrorname_np(errno) : "ok");
	return 0;
}

static socklen_t name(struct sockaddr_un *at, const char *text)
{
	memset(at, 0, sizeof *at);
	at->sun_family = AF_UNIX;
	strncpy(at->sun_path, text, sizeof at->sun_path - 1);
	if (*text != '@')
		return sizeof *at;
	at->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(text);
}

static int say(int fd, const char *word)
{
	char answer;
	if (connect(fd, (void *)&to, size))
		return done(-1);
	long sent = send(fd, word, strlen(word), MSG_NOSIGNAL);
	/* Until it has been heard; datagrams have nobody to say so. */
	int kind;
	socklen_t length = sizeof kind;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &length);
	if (sent > 0 && kind != SOCK_DGRAM)
		recv(fd, &answer, 1, 0);
	return done(sent);
}

static int datagram(const char *form, const char *word)
{
	struct iovec piece = { (void *)word, strlen(word) };
	struct mmsghdr message = { .msg_hdr = { .msg_name = &to, .msg_namelen = size, .msg_iov = &piece, .msg_iovlen = 1 } };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (!strcmp(form, "sendto"))
		return done(sendto(fd, word, strlen(word), 0, (void *)&to, size));
	if (!strcmp(form, "sendmsg"))
		return done(sendmsg(fd, &message.msg_hdr, 0));
	if (!strcmp(form, "sendmmsg"))
		return done(sendmmsg(fd, &message, 1, 0));
	return say(fd, word);
}

static int again(const char *word)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t length = sizeof own;
	int first = socket(AF_UNIX, SOCK_DGRAM, 0), fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	/* The kernel gives it an abstract name. */
	if (bind(first, (void *)&own, sizeof own.sun_family) || getsockname(first, (void *)&own, &length) ||
	    connect(fd, (void *)&own, length) || connect(fd, &none, sizeof none))
		return done(-1);
	return say(fd, word);
}

static int received(const char *word)
{
	int ends[2], fd;
	char byte = 'x', space[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return done(-1);
	if (fork() == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof fd);
		_exit(sendmsg(ends[1], &message, 0) != 1);
	}
	if (recvmsg(ends[0], &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return done(-1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return say(fd, word);
}

static volatile int over;

/* Swaps the names, whole words at a time so that each is seldom seen half. */
static void *swap(void *data)
{
	struct sockaddr_un *names = data;
	for (int turn = 0; !over; turn ^= 1) {
		memcpy(&to, &names[turn], sizeof to);
		for (volatile int wait = 0; wait < 400; wait++)
			;
	}
	return NULL;
}

static int race(const char *form, long tries)
{
	struct sockaddr_un names[2] = { to, other };
	long went = 0;
	pid_t peer = 0;
	pthread_t thread;
	if (!strcmp(form, "swap")) {
		pthread_create(&thread, NULL, swap, names);
	} else if ((peer = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			renameat2(AT_FDCWD, names[0].sun_path, AT_FDCWD, other.sun_path, RENAME_EXCHANGE);
			for (volatile int wait = 0; wait < 2000; wait++)
				;
		}
	}
	for (long try = 0; try < tries; try++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char answer;
		if (!connect(fd, (void *)&to, size) && send(fd, "race", 4, MSG_NOSIGNAL) == 4 && recv(fd, &answer, 1, 0) == 1)
			went++;
		close(fd);
	}
	over = 1;
	if (peer) {
		kill(peer, SIGKILL);
		waitpid(peer, NULL, 0);
	}
	printf("%ld\n", went);
	return 0;
}

int main(int argc, char **argv)
{
	const char *form = argv[1];
	if (argc < 4)
		return 112;
	if (!strcmp(form, "relative")) {
		char *copy = strdup(argv[2]);
		if (chdir(dirname(copy)))
			return 113;
		size = name(&to, basename(argv[2]));
	} else if (!strcmp(form, "descriptor")) {
		char path[64], *copy = strdup(argv[2]);
		snprintf(path, sizeof path, "/proc/self/fd/%d/%s", open(dirname(copy), O_PATH), basename(argv[2]));
		size = name(&to, path);
	} else {
		size = name(&to, argv[2]);
	}
	if (argc == 5) {
		name(&other, argv[3]);
		return race(form, atol(argv[4]));
	}
	if (!strcmp(form, "seqpacket"))
		return say(socket(AF_UNIX, SOCK_SEQPACKET, 0), argv[3]);
	if (!strcmp(form, "received"))
		return received(argv[3]);
	if (!strcmp(form, "again"))
		return again(argv[3]);
	if (!strcmp(form, "connect") || !strncmp(form, "send", 4))
		return datagram(form, argv[3]);
	return say(socket(AF_UNIX, SOCK_STREAM, 0), argv[3]);
}
