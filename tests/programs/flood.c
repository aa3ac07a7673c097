/* Many threads of one process start programs as fast as they can, each with words of its own, and compare what every
 * program says that it ran as.
 *
 *   flood THREADS SECONDS DIRECTORY [bare]
 *
 * DIRECTORY holds `words.c` as `psql` and as `harmless`. Four calls take turns: an ungoverned one, an allowed one, one
 * that is to be limited, one that is to be denied. `bare` expects all of them to run as they are. posix_spawn(3)
 * shares the parent's memory with the child until its exec. Prints how many of each there were, and how many ended
 * otherwise: killed, not started, or with another answer. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DENIAL "psql: error: "
#define REASON "schema changes go through migrations"

extern char **environ;

enum { UNGOVERNED, ALLOWED, LIMITED, DENIED, KINDS };

static const char *const texts[KINDS] = {
	[UNGOVERNED] = "DROP TABLE t%ld_%ld",
	[ALLOWED] = "SELECT a FROM t%ld_%ld LIMIT 5",
	[LIMITED] = "SELECT a FROM t%ld_%ld",
	[DENIED] = "DROP TABLE t%ld_%ld",
};
static atomic_long ended[KINDS], killed, failed, wrong;
static const char *directory;
static int bare;
static time_t until;

static void complain(const char *asked, const char *said, int status)
{
	atomic_fetch_add(&wrong, 1);
	fprintf(stderr, "asked for: %s; status %#x; said: %s\n", asked, status, said);
}

/* Whether the program that was asked for with `text` answered as it should. */
static int is_right(int kind, const char *text, const char *said, int status)
{
	char expected[512];
	if (kind == DENIED && !bare)
		return WIFEXITED(status) && WEXITSTATUS(status) == 1 && !strncmp(said, DENIAL, strlen(DENIAL)) &&
		       strstr(said, REASON);
	snprintf(expected, sizeof expected, "ran\n%s\n-X\n-c\n%s%s\n", kind == UNGOVERNED ? "harmless" : "psql", text,
		 kind == LIMITED && !bare ? " LIMIT 1000" : "");
	return status == 0 && !strcmp(said, expected);
}

static void start_one(long thread, long number)
{
	char text[128], path[512], said[1024];
	int channel[2], status, kind = number % KINDS;
	size_t length = 0;
	ssize_t more;
	pid_t child;
	posix_spawn_file_actions_t actions;
	snprintf(text, sizeof text, texts[kind], thread, number);
	char *words[] = { kind == UNGOVERNED ? "harmless" : "psql", "-X", "-c", text, NULL };
	snprintf(path, sizeof path, "%s/%s", directory, words[0]);
	if (pipe2(channel, O_CLOEXEC))
		exit(113);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, channel[1], 1);
	posix_spawn_file_actions_adddup2(&actions, channel[1], 2);
	int error = posix_spawn(&child, path, &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(channel[1]);
	if (error) {
		atomic_fetch_add(&failed, 1);
		fprintf(stderr, "asked for: %s; %s\n", text, strerror(error));
	} else {
		while ((more = read(channel[0], said + length, sizeof said - 1 - length)) > 0)
			length += more;
		said[length] = 0;
		if (waitpid(child, &status, 0) != child)
			exit(113);
		atomic_fetch_add(&ended[kind], 1);
		if (WIFSIGNALED(status))
			atomic_fetch_add(&killed, 1);
		else if (!is_right(kind, text, said, status))
			complain(text, said, status);
	}
	close(channel[0]);
}

static time_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void *flood(void *data)
{
	for (long number = 0; number < KINDS || now() < until; number++)
		start_one((long)data, number);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[256];
	if (argc < 4)
		return 112;
	long threads = atol(argv[1]);
	until = now() + atol(argv[2]);
	directory = argv[3];
	bare = argc > 4;
	for (long i = 0; i < threads && i < 256; i++)
		if (pthread_create(&thread[i], NULL, flood, (void *)i))
			return 113;
	for (long i = 0; i < threads && i < 256; i++)
		pthread_join(thread[i], NULL);
	printf("ungoverned %ld allowed %ld limited %ld denied %ld killed %ld failed %ld wrong %ld\n",
	       ended[UNGOVERNED], ended[ALLOWED], ended[LIMITED], ended[DENIED], killed, failed, wrong);
	return 0;
}
