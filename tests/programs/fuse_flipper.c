/* Mounts a file system at DIRECTORY/fuse whose files change from one read to the next, and runs CMD.
 *
 *   fuse_flipper DIRECTORY CMD [ARG...]
 *
 * The mount is in a mount namespace of its own and goes with it. The server speaks the kernel's protocol
 * (linux/fuse.h) itself. What the files are for is said in `race_fuse.c`. Ends as CMD did; with 78 where there is no FUSE. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_FUSE 78
#define SIZE 4096

enum { ROOT = FUSE_ROOT_ID, PAGE, SCRIPT, LINK, CONTENT, END };

static const char *const names[END] = { [PAGE] = "page", [SCRIPT] = "script", [LINK] = "link", [CONTENT] = "content" };
/* Two contents of each file. */
static char contents[END][2][SIZE];
static int device;
static sem_t pages_read;

static void reply(uint64_t unique, int error, const void *data, size_t length)
{
	struct fuse_out_header header = { .len = sizeof header + length, .error = error, .unique = unique };
	struct iovec pieces[] = { { &header, sizeof header }, { (void *)data, length } };
	/* ENOENT: whoever asked has gone. */
	if (writev(device, pieces, 2) < 0 && errno != ENOENT)
		perror("fuse_flipper: reply");
}

static const char *either(uint64_t node)
{
	unsigned char chance = 0;
	if (getrandom(&chance, 1, 0) != 1)
		perror("fuse_flipper: getrandom");
	return contents[node][chance & 1];
}

/* Sizes and times change as well: nobody can tell by them that a file is the one of a moment before. */
static struct fuse_attr attributes(uint64_t node)
{
	static uint64_t times;
	struct fuse_attr is = { .ino = node, .nlink = 1, .blksize = SIZE };
	is.mode = node == ROOT ? S_IFDIR | 0755 : node == LINK ? S_IFLNK | 0777 : S_IFREG | 0755;
	is.mtime = is.ctime = ++times;
	is.size = node == ROOT ? 0 : node == PAGE ? SIZE : strlen(either(node));
	return is;
}

static void answer(const struct fuse_in_header *in, const void *body)
{
	uint64_t node = in->nodeid;
	switch (in->opcode) {
	case FUSE_INIT: {
		const struct fuse_init_in *asked = body;
		struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
					      .minor = FUSE_KERNEL_MINOR_VERSION,
					      .max_readahead = asked->max_readahead,
					      .max_write = SIZE };
		return reply(in->unique, 0, &init, sizeof init);
	}
	case FUSE_LOOKUP:
		for (uint64_t found = PAGE; node == ROOT && found < END; found++)
			if (!strcmp(body, names[found])) {
				struct fuse_entry_out entry = { .nodeid = found, .attr = attributes(found) };
				return reply(in->unique, 0, &entry, sizeof entry);
			}
		return reply(in->unique, -ENOENT, NULL, 0);
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr = attributes(node) };
		return reply(in->unique, 0, &out, sizeof out);
	}
	case FUSE_OPEN: {
		struct fuse_open_out out = { .open_flags = node == PAGE ? 0 : FOPEN_DIRECT_IO };
		return reply(in->unique, 0, &out, sizeof out);
	}
	case FUSE_READ: {
		const struct fuse_read_in *asked = body;
		const char *text = either(node);
		size_t size = node == PAGE ? SIZE : strlen(text), from = asked->offset < size ? asked->offset : size;
		size_t length = size - from < asked->size ? size - from : asked->size;
		reply(in->unique, 0, text + from, length);
		if (node == PAGE)
			sem_post(&pages_read);
		return;
	}
	case FUSE_READLINK: {
		const char *text = either(node);
		return reply(in->unique, 0, text, strlen(text));
	}
	case FUSE_STATFS: {
		struct fuse_statfs_out out = { .st = { .bsize = SIZE, .namelen = 255 } };
		return reply(in->unique, 0, &out, sizeof out);
	}
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return reply(in->unique, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return reply(in->unique, -ENOSYS, NULL, 0);
	}
}

static void *serve(void *data)
{
	static _Alignas(8) char request[1 << 20];
	(void)data;
	for (;;) {
		ssize_t length = read(device, request, sizeof request);
		if (length < 0 && errno == ENODEV)
			return NULL;
		if (length >= (ssize_t)sizeof(struct fuse_in_header))
			answer((void *)request, request + sizeof(struct fuse_in_header));
	}
}

/* Takes the page out of the cache some time after it was read, so that it must be read again. Not in the server's
 * thread: this waits for reads that are under way. */
static void *forget(void *data)
{
	uint32_t pause = 1;
	(void)data;
	for (;;) {
		struct {
			struct fuse_out_header header;
			struct fuse_notify_inval_inode_out what;
		} notice = { { sizeof notice, FUSE_NOTIFY_INVAL_INODE, 0 }, { PAGE, 0, -1 } };
		sem_wait(&pages_read);
		pause = pause * 1664525u + 1013904223u;
		for (volatile uint32_t i = (pause >> 8) % 20000; i; i--)
			;
		if (write(device, &notice, sizeof notice) < 0 && errno != ENOENT)
			perror("fuse_flipper: notice");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	char at[512], options[128];
	pthread_t server, forgetter;
	if (argc < 3)
		return 112;
	snprintf(at, sizeof at, "%s/fuse", argv[1]);
	snprintf(contents[SCRIPT][0], SIZE, "#!%s/harmless\n", argv[1]);
	snprintf(contents[SCRIPT][1], SIZE, "#!%s/psql\n", argv[1]);
	snprintf(contents[LINK][0], SIZE, "%s/harmless", argv[1]);
	snprintf(contents[LINK][1], SIZE, "%s/psql", argv[1]);
	strcpy(contents[CONTENT][0], "SELECT 1;\n");
	strcpy(contents[CONTENT][1], "DROP TABLE users;\n");
	strcpy(contents[PAGE][0], "SELECT 1");
	strcpy(contents[PAGE][1], "DROP TABLE users");
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return NO_FUSE;
	if (mkdir(at, 0755) && errno != EEXIST)
		return 113;
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("flipper", at, "fuse", MS_NOSUID | MS_NODEV, options)) {
		perror("fuse_flipper: mount");
		return 113;
	}
	sem_init(&pages_read, 0, 0);
	if (pthread_create(&server, NULL, serve, NULL) || pthread_create(&forgetter, NULL, forget, NULL))
		return 113;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[2], argv + 2);
		_exit(111);
	}
	int status;
	while (waitpid(child, &status, 0) != child)
		;
	/* The threads go with the process, and the mount with its namespace. */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
