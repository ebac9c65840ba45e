// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints its standard input, by lines, with the streams of C++:
 *
 *	lines_stream [FILE]
 *
 * to FILE, or to its standard output.
 */
#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv)
{
	std::ofstream file;
	std::string line;

	if (argc > 1)
		file.open(argv[1]);
	std::ostream &out = argc > 1 ? file : std::cout;
	while (std::getline(std::cin, line))
		/* A file writes a string of 1024 bytes or more at once. */
		if (!(out << line + "\n" << std::flush))
			return 1;
	return 0;
}
