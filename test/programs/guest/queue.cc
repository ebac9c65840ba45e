// SPDX-License-Identifier: GPL-2.0-only
// What kmsgq-programs(7) says of C++: queue HOW FILE. Prints what it reads.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

int main(int, char **argv)
{
	const std::string how = argv[1];
	std::string text;

	if (how == "getline") {
		std::ifstream in(argv[2]);
		while (std::getline(in, text))
			std::cout << text << '\n';
	} else if (how == "iterators") {
		std::ifstream in(argv[2]);
		std::cout << std::string(std::istreambuf_iterator<char>(in), {});
	} else if (how == "seekg") {
		std::ifstream in(argv[2]);
		in.seekg(0, std::ios::end);
		std::cout << in.tellg() << '\n';
	} else if (how == "endl") {
		std::ofstream out(argv[2]);
		out << argv[3] << std::endl;
		return !out;
	} else if (how == "one string") {
		std::ofstream out(argv[2]);
		out << std::string(argv[3]) + "\n" << std::flush;
		return !out;
	} else if (how == "cout") {
		std::cout << argv[3] << std::endl;
		return !std::cout;
	}
	return 0;
}
