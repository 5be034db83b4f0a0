package main

import (
	"bufio"
	"os"
	"strings"
)

// packages are what the tables of amd64 are made of.
var packages = []string{"libc6-dev", "linux-libc-dev"}

// installed are the packages with their versions, as Debian's package manager knows them, one a line.
func installed(root string) string {
	f, err := os.Open(root + "/var/lib/dpkg/status")
	if err != nil {
		return ""
	}
	defer f.Close()
	versions := map[string]string{}
	name := ""
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if v, ok := strings.CutPrefix(s.Text(), "Package: "); ok {
			name = v
		}
		if v, ok := strings.CutPrefix(s.Text(), "Version: "); ok {
			versions[name] = v
		}
	}
	out := ""
	for _, p := range packages {
		out += p + " " + versions[p] + "\n"
	}
	return out
}
