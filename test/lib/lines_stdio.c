// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints its standard input, by lines, with the C library's stdio:
 *
 *	lines_stdio [FILE]
 *
 * to FILE, or to its standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

int main(int argc, char **argv)
{
	FILE *out = argc > 1 ? fopen(argv[1], "w") : stdout;
	char *line = NULL;
	size_t size = 0;

	if (!out)
		return 1;
	while (getline(&line, &size, stdin) > 0)
		if (fprintf(out, "%s", line) < 0 || fflush(out))
			return 1;
	free(line);
	return 0;
}
