package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// letGoOfCode gives back the pages of the program's own file, code and constants, that are
// in memory: most of them were needed to start, and what is needed again comes back from
// the system's cache by itself. Where that cannot be done, nothing is lost.
func letGoOfCode() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		if from, size, ok := codeOf(line, self); ok {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, size, syscall.MADV_DONTNEED)
		}
	}
}

// codeOf reads a line of maps: a part of the file that nobody can have written into, so
// that it is in memory as it is in the file.
func codeOf(line, file string) (from, size uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || strings.Join(fields[5:], " ") != file || fields[1] != "r-xp" && fields[1] != "r--p" {
		return 0, 0, false
	}
	first, last, _ := strings.Cut(fields[0], "-")
	a, err1 := strconv.ParseUint(first, 16, 64)
	z, err2 := strconv.ParseUint(last, 16, 64)
	return uintptr(a), uintptr(z - a), err1 == nil && err2 == nil && z > a
}
