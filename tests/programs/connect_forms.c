/* Reaches for one address in one of the ways there are and prints "ok" or the errno's name.
 *
 *   connect_forms FORM ADDRESS PORT
 *
 * FORM: tcp, tcp-nonblocking (then waits), tcp-fastopen, udp-connect (then send), udp-sendto, udp-sendmsg,
 * udp-sendmmsg. ADDRESS decides the family;
 * ::ffff:a.b.c.d is IPv4 on an IPv6 socket. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr *to = (struct sockaddr *)&v4;
	socklen_t size = sizeof v4;
	if (argc != 4)
		return 112;
	const char *form = argv[1];
	v4.sin_port = v6.sin6_port = htons(atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &v4.sin_addr) != 1) {
		if (inet_pton(AF_INET6, argv[2], &v6.sin6_addr) != 1)
			return 112;
		to = (struct sockaddr *)&v6;
		size = sizeof v6;
	}
	char text[] = "ping";
	struct iovec piece = { text, 4 };
	struct mmsghdr message = { .msg_hdr = { .msg_name = to, .msg_namelen = size, .msg_iov = &piece, .msg_iovlen = 1 } };
	int fd = socket(to->sa_family, strncmp(form, "tcp", 3) ? SOCK_DGRAM : SOCK_STREAM, 0);
	long result;
	if (!strcmp(form, "tcp"))
		result = connect(fd, to, size);
	else if (!strcmp(form, "tcp-nonblocking")) {
		struct pollfd wait = { fd, POLLOUT, 0 };
		int error = 0;
		socklen_t length = sizeof error;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		result = connect(fd, to, size);
		if (result && errno == EINPROGRESS) {
			result = poll(&wait, 1, 10000) == 1 ? 0 : -1;
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
			if (error) {
				errno = error;
				result = -1;
			}
		} else if (!result) {
			errno = EISCONN;
			result = -1;
		}
	} else if (!strcmp(form, "tcp-fastopen"))
		result = sendto(fd, text, 4, MSG_FASTOPEN, to, size);
	else if (!strcmp(form, "udp-connect"))
		result = connect(fd, to, size) ? -1 : send(fd, text, 4, 0);
	else if (!strcmp(form, "udp-sendto"))
		result = sendto(fd, text, 4, 0, to, size);
	else if (!strcmp(form, "udp-sendmsg"))
		result = sendmsg(fd, &message.msg_hdr, 0);
	else if (!strcmp(form, "udp-sendmmsg"))
		result = sendmmsg(fd, &message, 1, 0);
	else
		return 112;
	printf("%s\n", result < 0 ? strerrorname_np(errno) : "ok");
	return 0;
}
