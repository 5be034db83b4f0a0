// Package ldcache finds shared libraries by name: in ld.so.cache, and in other lists of libraries. It imports internal/files.
package ldcache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/gotrace/gotrace/internal/files"
)

// Library is an entry of ld.so.cache.
type Library struct {
	Name string // "libc.so.6"
	Path string
}

// The format of ld.so.cache (sysdeps/generic/dl-cache.h of glibc): a header of 48 bytes that begins with this text, then entries
// of 24 bytes, then strings, whose offsets count from the header. Before glibc 2.32 a table of an older format came first.
const (
	cacheMagic  = "glibc-ld.so.cache1.1"
	cacheHeader = 48
	cacheEntry  = 24
	maxCache    = 64 << 20 // bytes
)

var errCache = errors.New("not an ld.so.cache")

// Read reads ld.so.cache from its file.
func Read(path string) ([]Library, error) {
	f, err := files.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCache+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse reads ld.so.cache, in the order of the file, which is that of preference.
func Parse(data []byte) ([]Library, error) {
	i := bytes.Index(data, []byte(cacheMagic))
	if i < 0 || len(data)-i < cacheHeader || len(data) > maxCache {
		return nil, errCache
	}
	data = data[i:]
	n := int(binary.LittleEndian.Uint32(data[len(cacheMagic):]))
	if n > (len(data)-cacheHeader)/cacheEntry {
		return nil, fmt.Errorf("%w: %d entries in %d bytes", errCache, n, len(data))
	}
	out := make([]Library, 0, n)
	for i := range n {
		entry := data[cacheHeader+i*cacheEntry:]
		name, ok1 := cacheString(data, binary.LittleEndian.Uint32(entry[4:]))
		path, ok2 := cacheString(data, binary.LittleEndian.Uint32(entry[8:]))
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("%w: entry %d is broken", errCache, i)
		}
		out = append(out, Library{name, path})
	}
	return out, nil
}

func cacheString(data []byte, off uint32) (string, bool) {
	if int64(off) >= int64(len(data)) {
		return "", false
	}
	s, _, ok := bytes.Cut(data[off:], []byte{0})
	return string(s), ok
}

// Match returns the libraries that a script means by a name such as "libc", "libssl.so" or "libssl.so.3": those of
// exactly that file name first, then NAME.so, then the versions of NAME.so, the highest first.
func Match(all []Library, name string) []Library {
	plain := strings.TrimSuffix(name, ".so") + ".so"
	var out []Library
	for _, l := range all {
		if libraryRank(l.Name, name, plain) > 0 {
			out = append(out, l)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := libraryRank(out[i].Name, name, plain), libraryRank(out[j].Name, name, plain)
		if a != b {
			return a > b
		}
		return versionLess(out[j].Name, out[i].Name)
	})
	return out
}

func libraryRank(file, name, plain string) int {
	switch {
	case file == name:
		return 3
	case file == plain:
		return 2
	case strings.HasPrefix(file, plain+"."):
		return 1
	}
	return 0
}

// versionLess compares names in which numbers count as numbers: libx.so.9 is less than libx.so.10.
func versionLess(a, b string) bool {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			x, y := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if x != y {
				return len(x) < len(y) || len(x) == len(y) && x < y
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

// digits is the number of digits that a text begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
