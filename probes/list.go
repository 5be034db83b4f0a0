package probes

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
)

// Listed is a probe of a list. Most of a hundred thousand are only asked for their names, so that a target is made when somebody wants it.
type Listed struct {
	Name   string
	kind   *builtin.ProbeKind
	fn     Function     // a function of the kernel, or
	target *lang.Target // what else there is
}

// Target is the probe as an attach point has it.
func (l *Listed) Target() *lang.Target {
	if l.target == nil {
		l.target = &lang.Target{Kind: l.kind, Name: l.Name, Module: l.fn.Module, Func: l.fn.Name, Copies: l.fn.Copies}
	}
	return l.target
}

// ListedTargets are targets as a list has them.
func ListedTargets(targets []lang.Target, err error) ([]Listed, error) {
	out := make([]Listed, len(targets))
	for i := range targets {
		out[i] = Listed{Name: targets[i].Name, kind: targets[i].Kind, target: &targets[i]}
	}
	return out, err
}

// listedFunctions are functions of the kernel, sorted by name, as a list has them: with their modules, or each name once.
func listedFunctions(kind *builtin.ProbeKind, found []Function, withModule bool) []Listed {
	out := make([]Listed, 0, len(found))
	prefix := kind.Name + ":"
	if withModule {
		for _, m := range byModule(found) {
			prefix := prefix + m[0].Module + ":"
			for _, f := range m {
				out = append(out, Listed{Name: prefix + f.Name, kind: kind, fn: f})
			}
		}
		return out
	}
	for i, f := range found {
		if i > 0 && found[i-1].Name == f.Name {
			last := &out[len(out)-1].fn
			last.Copies, last.Module = max(last.Copies, 1)+max(f.Copies, 1), ""
			continue
		}
		out = append(out, Listed{Name: prefix + f.Name, kind: kind, fn: f})
	}
	return out
}

// byModule are functions by their modules, which are sorted by name.
func byModule(found []Function) [][]Function {
	modules := map[string][]Function{}
	for _, f := range found {
		f.Module = orVmlinux(f.Module)
		modules[f.Module] = append(modules[f.Module], f)
	}
	var out [][]Function
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		out = append(out, modules[name])
	}
	return out
}

// List finds the probes that match a pattern, sorted by name within their kind and the kinds by theirs, as bpftrace -l has them.
//
// "t:sched:*" is a kind and what its probes are named; "*:*open*" the same for all kinds that have lists; a
// kind alone, all of its probes; "*open*" is looked for in the full names of all of them; "" and "*" are everything. Several
// patterns are separated by commas.
func List(e *Env, pattern string) ([]Listed, error) {
	patterns := splitOutsideQuotes(pattern, ',')
	if len(patterns) == 1 { // the usual case, of a hundred thousand probes
		found, err := listOne(e, pattern)
		return slices.CompactFunc(found, func(a, b Listed) bool { return a.Name == b.Name }), err
	}
	var out []Listed
	seen := map[string]bool{}
	for _, p := range patterns {
		found, err := listOne(e, p)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			if !seen[t.Name] {
				seen[t.Name] = true
				out = append(out, t)
			}
		}
	}
	return out, nil
}

func listOne(e *Env, pattern string) ([]Listed, error) {
	parts := splitOutsideQuotes(pattern, ':')
	kinds, err := e.listedKinds(parts)
	if err != nil {
		return nil, err
	}
	search := len(kinds) == 0
	if search {
		kinds, parts = e.allListed(), nil
	} else {
		parts = parts[1:]
	}
	var lists [][]Listed
	for _, k := range kinds {
		found, err := providers[k.Name].list(k, e, parts)
		if err != nil && len(kinds) > 1 && !errors.Is(err, fs.ErrPermission) {
			continue // this machine has none of the kind
		}
		if err != nil {
			return nil, err
		}
		if search {
			found = slices.DeleteFunc(found, func(l Listed) bool { return !match(pattern, l.Name) })
		}
		if !slices.IsSortedFunc(found, byName) { // of modules that were asked one after the other
			slices.SortStableFunc(found, byName)
		}
		lists = append(lists, found)
	}
	out := slices.Concat(lists...)
	if len(out) == 0 && len(kinds) > 1 {
		return nil, e.listErrors(kinds)
	}
	return out, nil
}

func byName(a, b Listed) int { return strings.Compare(a.Name, b.Name) }

// listErrors is what keeps every one of the kinds from being listed, nil if nothing does.
func (e *Env) listErrors(kinds []*builtin.ProbeKind) error {
	var errs []error
	for _, k := range kinds {
		_, err := providers[k.Name].list(k, e, nil)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// listedKinds are the kinds that a pattern's first part names: none if the pattern is to be looked for in all names.
func (e *Env) listedKinds(parts []string) ([]*builtin.ProbeKind, error) {
	name := parts[0]
	if len(parts) == 1 && (name == "" || name == "*") {
		return e.allListed(), nil
	}
	if k := builtin.ProbeKindByName(name); k != nil {
		if providers[k.Name].list == nil {
			return nil, fmt.Errorf("%s probes have no list", k.Name)
		}
		return []*builtin.ProbeKind{k}, nil
	}
	var out []*builtin.ProbeKind
	if isPattern(name) {
		for _, k := range e.allListed() {
			if match(name, k.Name) || parts[0] == "*" {
				out = append(out, k)
			}
		}
	}
	// A path after the kinds means what a binary has.
	if len(parts) > 1 && strings.Contains(parts[1], "/") && isPattern(name) {
		out = nil
		for _, k := range builtin.KindsWith(builtin.Anything) {
			if ofBinaries(k) && match(name, k.Name) {
				out = append(out, k)
			}
		}
	}
	if len(out) == 0 && len(parts) > 1 {
		return nil, &lang.NotFoundError{What: fmt.Sprintf("probe type %q", name), Near: nearest(name, kindNames())}
	}
	return out, nil
}

// ofBinaries says whether the probes of a kind are listed of a binary, or of a process.
func ofBinaries(k *builtin.ProbeKind) bool {
	return k.User && !k.Return && providers[k.Name].list != nil
}

// allListed are the kinds whose probes show where no kind is named, sorted.
func (e *Env) allListed() []*builtin.ProbeKind {
	var out []*builtin.ProbeKind
	for _, k := range builtin.ProbeKinds {
		if k.There() && (k.Listed || e.opts.PID != 0 && ofBinaries(k)) {
			out = append(out, k)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// splitOutsideQuotes splits a pattern, whose parts may be quoted, and takes the quotes off.
func splitOutsideQuotes(s string, sep byte) []string {
	var out []string
	var part strings.Builder
	quoted := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
			if sep != ':' {
				part.WriteByte(c) // for the next split
			}
		case c == sep && !quoted:
			out = append(out, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(out, part.String())
}

// ArgLines describes the arguments of a target as -lv shows them, one a line.
func ArgLines(e *Env, t *lang.Target) ([]string, error) {
	p := providers[t.Kind.Name]
	if p == nil || p.lines == nil {
		return nil, nil
	}
	lines, err := p.lines(e, t)
	for i := range lines {
		lines[i] = "    " + lines[i]
	}
	return lines, err
}

// rawTracepointLines are the parameters with their types in C.
func rawTracepointLines(e *Env, t *lang.Target) ([]string, error) {
	types, params, err := e.rawParams(t)
	if err != nil || types == nil {
		return nil, err
	}
	var out []string
	for _, p := range params {
		out = append(out, strings.TrimSpace(types.file.C(p.Type)+" "+p.Name))
	}
	return out, nil
}

// kprobeLines are the types of arg0 …
func kprobeLines(e *Env, t *lang.Target) ([]string, error) {
	types, params, _, err := e.kprobeParams(t)
	if err != nil || types == nil {
		return nil, err
	}
	var out []string
	for i, p := range params {
		if p.Type != 0 { // not the `...` at the end
			out = append(out, fmt.Sprintf("%s arg%d", types.file.C(p.Type), i))
		}
	}
	return out, nil
}

// kretprobeLines is the type of retval.
func kretprobeLines(e *Env, t *lang.Target) ([]string, error) {
	types, _, result, err := e.kprobeParams(t)
	if err != nil || types == nil {
		return nil, err
	}
	if result == 0 {
		return []string{"void"}, nil
	}
	return []string{types.file.C(result) + " retval"}, nil
}
