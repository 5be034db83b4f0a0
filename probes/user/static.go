package user

import (
	"cmp"
	"errors"
	"fmt"
	"sort"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/probes/internal/glob"
	"github.com/gotrace/gotrace/probes/internal/usdt"
)

// ResolveUSDT is usdt:BINARY:NAME and usdt:BINARY:PROVIDER:NAME. With -p or -c the binary may be left out: then the program and
// the libraries of that process are searched.
func (e *Programs) ResolveUSDT(ap *ast.AttachPoint) ([]lang.Target, error) {
	file, provider, name, err := usdtParts(ap.Parts)
	if err != nil {
		return nil, err
	}
	paths, err := e.usdtFiles(file)
	if err != nil {
		return nil, err
	}
	out, err := e.usdtTargets(paths, provider, name)
	switch {
	case err != nil:
		return nil, err
	case len(out) == 0:
		what := "static probe " + name
		if provider != "*" {
			what = "static probe " + provider + ":" + name
		}
		if len(paths) == 1 {
			what += " in " + paths[0]
		}
		return nil, &lang.NotFoundError{What: what, Near: e.nearUSDT(paths, provider, name)}
	}
	return out, nil
}

// usdtParts takes an attach point apart. A provider that is left out is any.
func usdtParts(parts []string) (file, provider, name string, err error) {
	switch {
	case len(parts) == 1 && glob.IsPattern(parts[0]): // usdt:* with -p
		return "", "*", parts[0], nil
	case len(parts) == 2 && parts[1] != "":
		return parts[0], "*", parts[1], nil
	case len(parts) == 3 && parts[2] != "":
		return parts[0], cmp.Or(parts[1], "*"), parts[2], nil
	}
	return "", "", "", errors.New("a static probe is written usdt:BINARY:NAME or usdt:BINARY:PROVIDER:NAME")
}

// usdtFiles are the files that are searched. `*` without a process are those of all processes.
func (e *Programs) usdtFiles(file string) ([]string, error) {
	one := e.opts.PID != 0 || e.opts.Command != ""
	switch {
	case (file == "" || file == "*") && one:
		return e.finder.Mapped()
	case file == "*":
		return e.finder.Everybody(), nil
	case file == "":
		return nil, errors.New("no binary is named: write usdt:BINARY:PROVIDER:NAME, usdt:*:PROVIDER:NAME for all that runs, or give a process with -p or -c")
	}
	return e.finder.Find(file)
}

// usdtTargets are the places of the static probes that match, sorted by file and name.
func (e *Programs) usdtTargets(paths []string, provider, name string) ([]lang.Target, error) {
	var out []lang.Target
	for _, path := range paths {
		found, err := e.staticProbes(path)
		if err != nil && len(paths) == 1 {
			return nil, fmt.Errorf("reading the binary: %w", err)
		}
		b, err := e.Binary(path)
		if err != nil {
			continue
		}
		for i := range found {
			p := &found[i]
			if glob.Match(provider, p.Provider) && glob.Match(name, p.Name) {
				t := e.usdtTarget(b, p)
				t.Further = len(out) > 0 && out[len(out)-1].Name == t.Name
				out = append(out, t)
			}
		}
	}
	return out, nil
}

// staticProbes are those of a file, sorted by provider and name, each probe's places in the order of the file.
func (e *Programs) staticProbes(path string) ([]symbols.StaticProbe, error) {
	if found, ok := e.static[path]; ok {
		return found, nil
	}
	found, err := symbols.StaticProbes(path)
	if err != nil {
		return nil, err
	}
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].Provider != found[j].Provider {
			return found[i].Provider < found[j].Provider
		}
		return found[i].Name < found[j].Name
	})
	e.static[path] = found
	return found, nil
}

// usdtTarget is a place of a static probe.
func (e *Programs) usdtTarget(b *symbols.Binary, p *symbols.StaticProbe) lang.Target {
	t := lang.Target{
		Kind: builtin.ProbeKindByName("usdt"), Name: "usdt:" + b.Path + ":" + p.Provider + ":" + p.Name,
		Path: b.Path, Address: p.Address, Category: p.Provider, Event: p.Name, Semaphore: p.Semaphore, I386: b.I386,
		ArgN: []lang.ArgPlace{},
	}
	code := &usdt.Code{Arch: e.opts.Arch, Address: p.Address, Symbol: func(name string) (uint64, bool) {
		s, ok := b.Other(name)
		return s.Address, ok
	}}
	for _, a := range code.Args(p.Args) {
		t.ArgN = append(t.ArgN, lang.ArgPlace{Loc: a.Loc, Signed: a.Signed, Text: a.Text, Why: a.Why})
	}
	return t
}

func (e *Programs) nearUSDT(paths []string, provider, name string) []string {
	var names []string
	for _, path := range paths {
		found, err := e.staticProbes(path)
		if err != nil {
			continue
		}
		for i := range found {
			if provider == "*" {
				names = append(names, found[i].Name)
			} else {
				names = append(names, found[i].Provider+":"+found[i].Name)
			}
		}
	}
	if provider != "*" {
		name = provider + ":" + name
	}
	return glob.Nearest(name, glob.Unique(names))
}

// ListUSDT lists the static probes of binaries that are named, or of a process.
func (e *Programs) ListUSDT(_ *builtin.ProbeKind, parts []string) ([]lang.Target, error) {
	one := e.opts.PID != 0 || e.opts.Command != ""
	switch {
	case len(parts) == 0, len(parts) == 1 && (parts[0] == "" || parts[0] == "*"):
		parts = []string{"", "*"}
	case len(parts) == 1, len(parts) == 2 && parts[1] == "":
		parts = []string{parts[0], "*"}
	}
	file, provider, name, err := usdtParts(parts)
	if err != nil || file == "" && !one {
		return nil, err
	}
	paths, err := e.usdtFiles(file)
	if err != nil {
		return nil, err
	}
	all, err := e.usdtTargets(paths, provider, name)
	var out []lang.Target
	for _, t := range all {
		if !t.Further {
			out = append(out, t)
		}
	}
	return out, err
}

// staticLines are the arguments as the note has them.
func staticLines(t *lang.Target) ([]string, error) {
	var out []string
	for i, a := range t.ArgN {
		line := fmt.Sprintf("%s arg%d", a.Type(), i)
		if a.Why != "" {
			line += " (cannot be read: " + a.Why + ")"
		}
		out = append(out, line)
	}
	return out, nil
}
