package probes

import (
	"path"
	"strings"

	"github.com/gotrace/gotrace/lang"
)

// isPattern says whether a name has wildcards.
func isPattern(s string) bool { return strings.ContainsAny(s, "*?[") }

// match says whether a name matches a pattern with `*`, `?` and `[a-z]`.
func match(pattern, name string) bool {
	if !isPattern(pattern) {
		return pattern == name
	}
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok && !isPattern(prefix) {
		return strings.HasPrefix(name, prefix)
	}
	// path.Match keeps `*` from crossing a '/'; in probe names a '/' is a character like others.
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}

// nearest returns up to three candidates that are close to a name, the closest first.
func nearest(name string, candidates []string) []string { return lang.Nearest(name, candidates) }
