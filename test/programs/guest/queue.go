// SPDX-License-Identifier: GPL-2.0-only

// What kmsgq-programs(7) says of Go: queue HOW FILE. Prints what it reads, each
// read's bytes on a line.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

func show(data []byte, err error) {
	fmt.Printf("%q\n", data)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func open(path string) *os.File {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	return file
}

func main() {
	path := os.Args[2]
	switch os.Args[1] {
	case "os.ReadFile":
		show(os.ReadFile(path))
	case "io.ReadAll":
		show(io.ReadAll(open(path)))
	case "bufio.Reader":
		line, err := bufio.NewReader(open(path)).ReadBytes('\n')
		show(line, err)
	case "os.Stdin":
		show(io.ReadAll(os.Stdin))
	case "syscall.Open":
		fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
		if err != nil {
			panic(err)
		}
		show(io.ReadAll(os.NewFile(uintptr(fd), path)))
	case "os.WriteFile":
		show(nil, os.WriteFile(path, []byte(os.Args[3]), 0))
	case "fmt.Fprintf":
		_, err := fmt.Fprintf(open(path), "%s and %s\n", os.Args[3], os.Args[3])
		show(nil, err)
	case "bufio.Writer":
		out := bufio.NewWriter(open(path))
		for _, word := range strings.Fields(os.Args[3]) {
			fmt.Fprintln(out, word)
		}
		show(nil, out.Flush())
	case "io.Copy":
		_, err := io.Copy(os.Stdout, open(path))
		show(nil, err)
	}
}
