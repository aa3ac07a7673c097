/* Leaves where it was started, in one of the ways there are, and runs a program from there.
 *
 *   leave WAY PLACE PROGRAM ARG...
 *
 * cgroup: moves to the cgroup PLACE. cgroup-namespace, and unshare for every namespace but those of users and the
 * network: namespaces of its own. setns: those of the process PLACE. chroot, pivot_root: the root is PLACE, which PROGRAM
 * is below. mount: nothing is left in procfs. double-fork, setsid, daemon, orphan: PROGRAM is run by a process whose
 * parent has ended. Prints what failed; ends with 0 if PROGRAM did, where it is waited for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	return 1;
}

static int enter_cgroup(const char *place)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/cgroup.procs", place);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "0", 1) != 1;
}

static int enter_namespaces(pid_t process)
{
	int fd = syscall(SYS_pidfd_open, process, 0);
	return fd < 0 || setns(fd, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
}

static int own_mounts(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int pivot(const char *place)
{
	return own_mounts() || mount(place, place, NULL, MS_BIND, NULL) || chdir(place) ||
	       syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/");
}

/* Goes on in a child whose parent has ended. */
static void lose_parent(int session)
{
	pid_t parent = getpid();
	if (fork())
		_exit(0);
	if (session)
		setsid();
	while (getppid() == parent)
		usleep(1000);
}

static int leave(const char *way, const char *place)
{
	if (!strcmp(way, "cgroup"))
		return enter_cgroup(place);
	if (!strcmp(way, "cgroup-namespace"))
		return unshare(CLONE_NEWCGROUP);
	if (!strcmp(way, "unshare"))
		return unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
	if (!strcmp(way, "setns"))
		return enter_namespaces(atoi(place));
	if (!strcmp(way, "chroot"))
		return chroot(place) || chdir("/");
	if (!strcmp(way, "pivot_root"))
		return pivot(place);
	if (!strcmp(way, "mount"))
		return own_mounts() || mount("none", "/proc", "tmpfs", 0, NULL);
	if (!strcmp(way, "orphan")) {
		lose_parent(0);
		return 0;
	}
	if (!strcmp(way, "setsid") || !strcmp(way, "double-fork")) {
		lose_parent(1);
		if (!strcmp(way, "double-fork"))
			lose_parent(0);
		return 0;
	}
	if (!strcmp(way, "daemon")) {
		lose_parent(1);
		lose_parent(0);
		umask(0);
		return chdir("/");
	}
	errno = EINVAL;
	return 1;
}

int main(int argc, char **argv)
{
	int status;
	if (argc < 4)
		return 112;
	if (leave(argv[1], argv[2]))
		return failed(argv[1]);
	/* A new process namespace begins with the next child. */
	if (fork() == 0) {
		execv(argv[3], argv + 3);
		_exit(failed("execv"));
	}
	return wait(&status) < 0 || status ? 1 : 0;
}
