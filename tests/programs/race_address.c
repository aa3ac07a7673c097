/* A sibling thread swaps the address of a connect that is being judged.
 *
 *   race_address TRIES
 *
 * 127.0.9.1 is forbidden, 127.0.0.1 is not. The socket is a datagram one: nobody need listen, and the kernel says
 * afterwards whom it was connected to. Prints how the tries ended. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in to = { .sin_family = AF_INET };
static volatile int turn;

static void *swap(void *data)
{
	volatile in_addr_t *slot = &to.sin_addr.s_addr;
	in_addr_t good = inet_addr("127.0.0.1"), evil = inet_addr("127.0.9.1");
	(void)data;
	for (;;) {
		for (int i = 0; i < turn; i++)
			;
		*slot = evil;
		for (int i = 0; i < turn; i++)
			;
		*slot = good;
		/* On few processors the supervisor must get a turn while the swapping goes on. */
		sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t sibling;
	long good = 0, evil = 0, failed = 0;
	if (argc != 2)
		return 112;
	to.sin_port = htons(9);
	to.sin_addr.s_addr = inet_addr("127.0.0.1");
	if (pthread_create(&sibling, NULL, swap, NULL))
		return 113;
	for (long try = atol(argv[1]); try > 0; try--) {
		struct sockaddr_in peer;
		socklen_t length = sizeof peer;
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		turn = try * 7919 % 20000;
		if (connect(fd, (struct sockaddr *)&to, sizeof to) ||
		    getpeername(fd, (struct sockaddr *)&peer, &length))
			failed++;
		else if ((ntohl(peer.sin_addr.s_addr) & 0xffffff00) == 0x7f000900)
			evil++;
		else
			good++;
		close(fd);
	}
	printf("good %ld evil %ld failed %ld\n", good, evil, failed);
	return 0;
}
