/* Fills a hash map of the kernel with keys that nobody uses, and empties it again.
 *
 *   fill_map ID FIRST
 *
 * ID names a map of 32-bit keys; FIRST is the first key. Prints the errno that ends the filling, waits for a line on
 * stdin, and takes everything out again. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 112;
	union bpf_attr open = { .map_id = strtoul(argv[1], NULL, 10) };
	int map = syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &open, sizeof open);
	if (map < 0)
		return 113;
	char value[4096] = { 0 };
	uint32_t first = strtoul(argv[2], NULL, 10), key = first;
	union bpf_attr one = { .map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)value };
	while (syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &one, sizeof one) == 0)
		key++;
	puts(strerrorname_np(errno));
	fflush(stdout);
	if (getchar() != '\n')
		return 112;
	one.value = 0;
	while (key-- > first)
		if (syscall(SYS_bpf, BPF_MAP_DELETE_ELEM, &one, sizeof one))
			return 114;
	puts("empty");
	return 0;
}
