/* Another process swaps what a path leads to while the execve of it is judged.
 *
 *   race_symlink TRIES DIRECTORY
 *
 * DIRECTORY holds the links `link` -> harmless and `other` -> psql, and `current` -> one and `former` -> two, where
 * one/tool leads to harmless and two/tool to psql. Every other try goes through the directory link. */
#include "race.h"

static void exchange(const char *one, const char *other)
{
	if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE))
		_exit(113);
}

int main(int argc, char **argv)
{
	if (argc != 3 || chdir(argv[2]))
		return 112;
	pid_t peer = fork();
	if (peer == 0) {
		uint32_t seed = 1;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			exchange("link", "other");
			exchange("current", "former");
			moment(&seed, 20000);
		}
	}
	for (long try = atol(argv[1]); try > 0; try--) {
		pid_t child = fork();
		if (child == 0) {
			char *words[] = { "link", "-c", EVIL, NULL };
			execve(try & 1 ? "link" : "current/tool", words, environ);
			_exit(NOT_STARTED);
		}
		count(child);
	}
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	return report();
}
