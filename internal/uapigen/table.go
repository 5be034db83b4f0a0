package main

import (
	"bytes"
	"fmt"
	"sort"
)

// blockLen is how many names one block of a table has: its first name is whole, so that a search can begin there.
const blockLen = 16

// maxShared is the most that a name shares with the one before.
const maxShared = 50

// Table writes names with their values in the form that lang/ctypes/uapi.go reads.
func Table(values map[string]string) []byte {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var b bytes.Buffer
	last := ""
	for i, name := range names {
		n := 0
		if i%blockLen != 0 {
			n = shared(last, name)
		}
		fmt.Fprintf(&b, "%c%s", 'A'+n, name[n:])
		if v := values[name]; v != "" {
			fmt.Fprintf(&b, " %s", v)
		}
		b.WriteByte('\n')
		last = name
	}
	return b.Bytes()
}

// shared is how many bytes two names begin with in common.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] && n < maxShared {
		n++
	}
	return n
}

// Difference has what own has otherwise than common, and empty values for what it has not.
func Difference(common, own map[string]string) map[string]string {
	out := map[string]string{}
	for name, v := range own {
		if common[name] != v {
			out[name] = v
		}
	}
	for name := range common {
		if _, ok := own[name]; !ok {
			out[name] = ""
		}
	}
	return out
}
