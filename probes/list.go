package probes

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/gotrace/gotrace/lang"
)

// List finds the probes that match a pattern such as "k:vfs_*", "t:sched:*" or "*open*", in the order of the
// kinds' table and then of their names. "" is everything.
func List(e *Env, pattern string) ([]lang.Target, error) {
	kind, rest, hasKind := strings.Cut(pattern, ":")
	if !hasKind {
		return e.search(pattern)
	}
	parts := splitParts(rest)
	var out []lang.Target
	known := false
	for _, k := range lang.ProbeKinds {
		if !matchesKind(kind, k) {
			continue
		}
		known = true
		p := providers[k.Name]
		if p.list == nil {
			continue
		}
		found, err := p.list(e, parts)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if !known {
		return nil, notFound(kind)
	}
	return out, nil
}

func notFound(kind string) error {
	err := &lang.NotFoundError{What: fmt.Sprintf("probe type %q", kind), Near: nearest(kind, kindNames())}
	if len(err.Near) == 0 {
		return err
	}
	return fmt.Errorf("%w; did you mean %s?", err, strings.Join(err.Near, ", "))
}

// matchesKind says whether the first part of a pattern names a kind. A return probe's name lists the same functions.
func matchesKind(pattern string, k *lang.ProbeKind) bool {
	for _, name := range append([]string{k.Name}, k.Aliases...) {
		if match(pattern, name) {
			return true
		}
	}
	return false
}

// splitParts splits what follows the kind. A path may hold no colon.
func splitParts(rest string) []string { return strings.Split(strings.ReplaceAll(rest, `"`, ""), ":") }

// search finds every probe whose full name matches a pattern without a kind.
func (e *Env) search(pattern string) ([]lang.Target, error) {
	var out []lang.Target
	for _, k := range lang.ProbeKinds {
		p := providers[k.Name]
		if p.list == nil || k.User {
			continue
		}
		all, err := p.list(e, nil)
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		if err != nil {
			continue // this machine has none of the kind
		}
		for _, t := range all {
			if pattern == "" || match(pattern, t.Name) {
				out = append(out, t)
			}
		}
	}
	return out, nil
}

// ArgLines are the arguments of a target as -lv shows them, one a line.
func ArgLines(e *Env, t *lang.Target) ([]string, error) {
	args, retval, err := e.Args(t)
	if err != nil {
		return nil, err
	}
	var out []string
	if args != nil {
		for _, f := range args.Fields() {
			out = append(out, "    "+declare(f.Type, f.Name))
		}
	}
	if retval != nil {
		out = append(out, "    "+declare(retval, "retval"))
	}
	return out, nil
}

// declare is a field as C declares it.
func declare(t lang.Type, name string) string {
	switch t := t.(type) {
	case lang.Array:
		return declare(t.Elem, fmt.Sprintf("%s[%d]", name, t.Len))
	case lang.Pointer:
		if i, ok := t.Elem.(lang.Int); ok && i.Bits == 8 {
			return "const char * " + name
		}
		return fmt.Sprintf("%s * %s", cName(t.Elem), name)
	}
	return cName(t) + " " + name
}

// cNames are C's names of integers by size in bits, signed and unsigned.
var cNames = map[int][2]string{8: {"char", "unsigned char"}, 16: {"short", "unsigned short"},
	32: {"int", "unsigned int"}, 64: {"long", "unsigned long"}}

func cName(t lang.Type) string {
	switch t := t.(type) {
	case lang.Int:
		if t.Enum != nil {
			return t.String()
		}
		if t.Signed {
			return cNames[t.Bits][0]
		}
		return cNames[t.Bits][1]
	case lang.String:
		return "char[]"
	}
	return t.String()
}
