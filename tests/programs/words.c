/* Says what it runs as: "ran" and each of its arguments, all with a newline behind it, in one write. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char text[4096] = "ran\n";
	size_t length = 4;
	for (int i = 0; i < argc; i++) {
		size_t more = strlen(argv[i]);
		if (length + more + 1 > sizeof text)
			_exit(98);
		memcpy(text + length, argv[i], more);
		text[length + more] = '\n';
		length += more + 1;
	}
	_exit(write(1, text, length) == (ssize_t)length ? 0 : 99);
}
