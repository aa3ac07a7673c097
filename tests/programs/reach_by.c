/* Sends a word to an address in one of the ways there are.
 *
 *   reach_by FORM ADDRESS PORT WORD
 *
 * ADDRESS decides the family; a Unix socket's is its path, or @NAME. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_storage to;
static socklen_t size;
static const char *word;

static int fail(const char *what)
{
	fprintf(stderr, "reach_by: %s: %s\n", what, strerrorname_np(errno));
	return 1;
}

static void parse(const char *text, int port)
{
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;
	struct sockaddr_un *un = (void *)&to;
	char address[128];
	snprintf(address, sizeof address, "%s", text);
	char *scope = strchr(address, '%');
	if (scope)
		*scope++ = 0;
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		size = sizeof *v4;
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		v6->sin6_scope_id = scope ? if_nametoindex(scope) : 0;
		size = sizeof *v6;
	} else {
		un->sun_family = AF_UNIX;
		strncpy(un->sun_path, address, sizeof un->sun_path - 1);
		size = offsetof(struct sockaddr_un, sun_path) + strlen(address);
		if (*address == '@')
			un->sun_path[0] = 0;
		else
			size++;
	}
}

static int say(int fd)
{
	char answer[64];
	if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0)
		return fail("send");
	/* What is not read before the end could be thrown away with the connection. */
	return recv(fd, answer, sizeof answer, 0) < 0;
}

static int stream(int protocol, int flags)
{
	int fd = socket(to.ss_family, SOCK_STREAM | flags, protocol);
	if (connect(fd, (void *)&to, size) && errno != EINPROGRESS)
		return fail("connect");
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	poll(&ready, 1, 5000);
	fcntl(fd, F_SETFL, 0);
	return say(fd);
}

static void *in_thread(void *data)
{
	*(int *)data = stream(0, 0);
	return NULL;
}

static int datagram(const char *form)
{
	struct iovec piece = { (void *)word, strlen(word) };
	struct mmsghdr message = { .msg_hdr = { .msg_name = &to, .msg_namelen = size, .msg_iov = &piece, .msg_iovlen = 1 } };
	int fd = socket(to.ss_family, SOCK_DGRAM, 0);
	if (!strcmp(form, "sendto"))
		return sendto(fd, word, strlen(word), 0, (void *)&to, size) < 0 ? fail(form) : 0;
	if (!strcmp(form, "sendmsg"))
		return sendmsg(fd, &message.msg_hdr, 0) < 0 ? fail(form) : 0;
	if (!strcmp(form, "sendmmsg"))
		return sendmmsg(fd, &message, 1, 0) < 1 ? fail(form) : 0;
	if (!strcmp(form, "again")) {
		/* Connected to one address, let go, and connected to another. */
		struct sockaddr_in first = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) } };
		struct sockaddr none = { .sa_family = AF_UNSPEC };
		connect(fd, (void *)&first, sizeof first);
		connect(fd, &none, sizeof none);
	}
	if (!strcmp(form, "other")) {
		/* Connected to an open address, sent to another. */
		struct sockaddr_in first = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) } };
		connect(fd, (void *)&first, sizeof first);
		return sendto(fd, word, strlen(word), 0, (void *)&to, size) < 0 ? fail(form) : 0;
	}
	if (connect(fd, (void *)&to, size))
		return fail("connect");
	return send(fd, word, strlen(word), 0) < 0 ? fail("send") : 0;
}

static int fast_open(int early)
{
	int one = 1, fd = socket(to.ss_family, SOCK_STREAM, 0);
	char answer[64];
	if (early) {
		if (sendto(fd, word, strlen(word), MSG_FASTOPEN, (void *)&to, size) < 0)
			return fail("sendto");
		return recv(fd, answer, sizeof answer, 0) < 0;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
	if (connect(fd, (void *)&to, size))
		return fail("connect");
	return say(fd);
}

/* A whole UDP packet in an IP packet of our own making: no port is told to any system call. */
static int raw(void)
{
	struct sockaddr_in *v4 = (void *)&to;
	char packet[512] = { 0 };
	struct udphdr *udp = (void *)packet;
	size_t length = sizeof *udp + strlen(word);
	udp->dest = v4->sin_port;
	udp->source = htons(4242);
	udp->len = htons(length);
	strcpy(packet + sizeof *udp, word);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	if (fd < 0 || sendto(fd, packet, length, 0, (void *)&to, size) < 0)
		return fail("raw");
	return 0;
}

/* connect(2) as an entry of io_uring. */
static int uring(void)
{
	struct io_uring_params p = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &p);
	if (ring < 0)
		return fail("io_uring_setup");
	char *sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry =
		mmap(NULL, p.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	int fd = socket(to.ss_family, SOCK_STREAM, 0);
	memset(entry, 0, sizeof *entry);
	entry->opcode = IORING_OP_CONNECT;
	entry->fd = fd;
	entry->addr = (uintptr_t)&to;
	entry->off = size;
	*(unsigned *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return fail("io_uring_enter");
	return say(fd);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 112;
	const char *form = argv[1];
	int result = 1;
	parse(argv[2], atoi(argv[3]));
	word = argv[4];
	if (!strcmp(form, "tcp"))
		return stream(0, 0);
	if (!strcmp(form, "nonblocking"))
		return stream(0, SOCK_NONBLOCK);
	if (!strcmp(form, "mptcp"))
		return stream(262, 0);
	if (!strcmp(form, "early"))
		return fast_open(1);
	if (!strcmp(form, "late"))
		return fast_open(0);
	if (!strcmp(form, "raw"))
		return raw();
	if (!strcmp(form, "uring"))
		return uring();
	if (!strcmp(form, "thread")) {
		pthread_t thread;
		pthread_create(&thread, NULL, in_thread, &result);
		pthread_join(thread, NULL);
		return result;
	}
	if (!strcmp(form, "orphan")) {
		if (fork())
			return 0;
		setsid();
		if (fork())
			return 0;
		return stream(0, 0);
	}
	return datagram(form);
}
