package symbols

import (
	"strconv"
	"strings"
)

// LegacyRust prepares a name in Rust's older mangling, "_ZN" … "17h" and sixteen digits "E", for package demangle, which takes the underscore that
// an identifier begins with for a separator: it gets a second one. Other names stay as they are.
func LegacyRust(name string) string {
	const begin, hash, hashSize = "_ZN", "17h", 16
	if len(name) < len(begin)+len(hash)+hashSize+1 || !strings.HasPrefix(name, begin) || name[len(name)-1] != 'E' {
		return name
	}
	end := len(name) - 1 - hashSize - len(hash)
	if name[end:][:len(hash)] != hash {
		return name
	}
	out, rest := []byte(begin), name[len(begin):end]
	for rest != "" {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(rest[:digits])
		if rest = rest[digits:]; err != nil || n > len(rest) {
			return name
		}
		id := rest[:n]
		if rest = rest[n:]; strings.HasPrefix(id, "_") && !strings.HasPrefix(id, "_$") {
			id = "_" + id
		}
		out = append(strconv.AppendInt(out, int64(len(id)), 10), id...)
	}
	return string(append(out, name[end:]...))
}
