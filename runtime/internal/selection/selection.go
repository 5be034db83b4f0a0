// Package selection says which probes of a script run: tests and benchmarks only where they are asked for, and those that a filter lets through.
package selection

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
)

// Choose leaves out the programs that do not run. mode is the kind of the probes that run, "test" or "bench", or "" for those that trace; BEGIN
// and END are always among them. Of the others only those run whose names match filter, if it is not nil. It is an error if nothing is left.
func Choose(c *lang.Checked, mode string, filter *regexp.Regexp) error {
	if !slices.ContainsFunc(c.Progs, func(p *lang.Prog) bool { return mode == "" && !p.Kind.Verdict || p.Kind.Name == mode }) {
		return fmt.Errorf("nothing to run: the script has %s", others(c.Progs, mode))
	}
	c.Progs = slices.DeleteFunc(c.Progs, func(p *lang.Prog) bool { return !runs(p.Kind, mode) })
	if filter == nil {
		return nil
	}
	c.Progs = filtered(c.Progs, filter)
	if !slices.ContainsFunc(c.Progs, func(p *lang.Prog) bool { return !always(p.Kind) }) {
		return fmt.Errorf("no probe has a name that matches %q", filter)
	}
	return nil
}

// runs says whether probes of a kind run in this mode.
func runs(kind *builtin.ProbeKind, mode string) bool {
	if kind.Verdict {
		return kind.Name == mode
	}
	return mode == "" || always(kind)
}

// always says that probes of a kind run in every mode.
func always(kind *builtin.ProbeKind) bool { return kind.Once && !kind.Verdict }

// others says what a script has that does not run.
func others(progs []*lang.Prog, mode string) string {
	for _, kind := range []string{"test", "bench"} {
		if kind != mode && slices.ContainsFunc(progs, func(p *lang.Prog) bool { return p.Kind.Name == kind }) {
			return fmt.Sprintf("%s probes, which run with --%s", kind, kind)
		}
	}
	return fmt.Sprintf("no %s probes", mode)
}

// filtered are the programs with the targets whose names match.
func filtered(progs []*lang.Prog, re *regexp.Regexp) []*lang.Prog {
	var out []*lang.Prog
	for _, p := range progs {
		if !always(p.Kind) {
			p.Targets = slices.DeleteFunc(p.Targets, func(t lang.Target) bool { return !re.MatchString(t.Name) })
		}
		if len(p.Targets) > 0 {
			out = append(out, p)
		}
	}
	return out
}
