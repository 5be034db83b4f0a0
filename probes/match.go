package probes

import (
	"strings"

	"github.com/gotrace/gotrace/lang/source"
)

// isPattern says whether a name has wildcards: `*`, `?`, or a set of characters in brackets.
func isPattern(s string) bool {
	if strings.ContainsAny(s, "*?") {
		return true
	}
	i := strings.IndexByte(s, '[')
	return i >= 0 && strings.IndexByte(s[i:], ']') > 1
}

// match says whether a name is what a pattern stands for: `*` for any text, `?` for any character, `[a-z]` and
// `[^a-z]` for one of a set. A name that is the pattern itself, character by character, matches too: functions of Go have brackets.
func match(pattern, name string) bool {
	if pattern == name {
		return true
	}
	if !isPattern(pattern) {
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

// nearest returns up to three candidates that are close to a name, the closest first.
func nearest(name string, candidates []string) []string {
	if isPattern(name) {
		return nil
	}
	return source.Nearest(name, candidates)
}
