/* Whoever reads the argument of an execve is given another text each time: its page is missing, and a thread that
 * handles the fault (userfaultfd) fills it in and takes it away again.
 *
 *   race_fault TRIES PSQL
 */
#include "race.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define PAGE 4096

static const char *target;
static char *page;
static int faults;
static uint32_t seed;
static _Alignas(PAGE) char content[2][PAGE] = { GOOD, EVIL };

/* By the system call, or by the device that takes its place where the system call is for few. */
static int open_faults(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	fd = device < 0 ? -1 : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
	close(device);
	return fd;
}

static void *handle(void *data)
{
	struct uffd_msg fault;
	(void)data;
	for (int turn = 0; read(faults, &fault, sizeof fault) == sizeof fault; turn ^= 1) {
		struct uffdio_copy copy = { .dst = (uintptr_t)page, .src = (uintptr_t)content[turn], .len = PAGE };
		if (ioctl(faults, UFFDIO_COPY, &copy))
			_exit(113);
		pause_between(&seed);
		madvise(page, PAGE, MADV_DONTNEED);
	}
	return NULL;
}

static void attempt(long try)
{
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t handler;
	seed = try * 2654435761u;
	faults = open_faults();
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = { .range = { (uintptr_t)page, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	if (page == MAP_FAILED || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &range) ||
	    pthread_create(&handler, NULL, handle, NULL))
		_exit(113);
	char *words[] = { "psql", "-c", page, NULL };
	execve(target, words, environ);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	target = argv[2];
	int fd = open_faults();
	if (fd < 0)
		return SHUT_OUT;
	close(fd);
	try_each(argv[1], attempt);
	return report();
}
