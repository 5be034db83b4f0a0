// Package glob matches names with patterns, as attach points have them. It imports lang/source.
package glob

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/source"
)

// IsPattern says whether a name has wildcards: `*`, `?`, or a set of characters in brackets.
func IsPattern(s string) bool {
	if strings.ContainsAny(s, "*?") {
		return true
	}
	i := strings.IndexByte(s, '[')
	return i >= 0 && strings.IndexByte(s[i:], ']') > 1
}

// Match says whether a name is what a pattern stands for: `*` for any text, `?` for any character, `[a-z]` and
// `[^a-z]` for one of a set. A name that is the pattern itself, character by character, matches too: functions of Go have brackets.
func Match(pattern, name string) bool {
	if pattern == name {
		return true
	}
	if !IsPattern(pattern) {
		return false
	}
	// On a mismatch, the last `*` takes one more character of the name.
	p, n, starP, starN := 0, 0, -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			starP, starN = p, n
			p++
			continue
		}
		if size := matchOne(pattern[p:], name[n]); size > 0 {
			p += size
			n++
			continue
		}
		if starP < 0 {
			return false
		}
		starN++
		p, n = starP+1, starN
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne says how much of a pattern stands for a character, 0 if it does not begin with one that does.
func matchOne(pattern string, c byte) int {
	if pattern == "" {
		return 0
	}
	if pattern[0] == '[' {
		if end := strings.IndexByte(pattern, ']'); end > 1 {
			if inSet(pattern[1:end], c) {
				return end + 1
			}
			return 0
		}
	}
	if pattern[0] == '?' || pattern[0] == c {
		return 1
	}
	return 0
}

// inSet says whether a character is in a set such as "a-z_" or "^0-9".
func inSet(set string, c byte) bool {
	inverse := set[0] == '^' || set[0] == '!'
	if inverse {
		set = set[1:]
	}
	in := false
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			in = in || set[i] <= c && c <= set[i+2]
			i += 2
			continue
		}
		in = in || set[i] == c
	}
	return in != inverse
}

// Nearest returns up to three candidates that are close to a name, the closest first.
func Nearest(name string, candidates []string) []string {
	if IsPattern(name) {
		return nil
	}
	return source.Nearest(name, candidates)
}

// Unique sorts names and leaves one of each.
func Unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// SplitOffset reads "function+offset".
func SplitOffset(s string) (name string, offset uint64, err error) {
	name, rest, ok := strings.Cut(s, "+")
	if !ok {
		return s, 0, nil
	}
	offset, err = strconv.ParseUint(rest, 0, 63)
	if err != nil || name == "" {
		return "", 0, fmt.Errorf("%q is not a function and an offset, as in vfs_read+4", s)
	}
	return name, offset, nil
}
