package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/probes"
)

// list prints the probes that match a pattern, or those of a program.
func (c *cli) list(args []string) int {
	env, err := probes.NewEnv(probes.EnvOptions{
		DebugInfo: c.flags.debugInfo,
		Functions: c.flags.functions,
		PID:       c.flags.pid,
		Unsafe:    c.flags.unsafe,
		BTF:       cmp.Or(c.env("GOTRACE_BTF"), c.env("BPFTRACE_BTF")),
	})
	if err != nil {
		return c.fail(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(listGC)) // a hundred thousand probes, all of which are still needed
	w := bufio.NewWriterSize(c.out, listBuffer)
	err = c.writeList(w, env, args)
	if w.Flush(); err != nil {
		return c.fail(err)
	}
	return 0
}

// listGC is how much more memory a list may take, in percent, before anybody looks for garbage.
const listGC = 800

// listBuffer is how much of a list is written at a time.
const listBuffer = 1 << 20

// writeList prints types, where the pattern asks for these, and probes.
func (c *cli) writeList(w *bufio.Writer, env *probes.Env, args []string) error {
	if !c.listsProgram(args) && len(args) > 0 {
		types, rest := probes.TypePatterns(args[0])
		for _, pattern := range types {
			found, err := probes.ListTypes(env, pattern, c.flags.verbose)
			if err != nil {
				return err
			}
			for _, text := range found {
				fmt.Fprintln(w, text)
			}
		}
		if len(types) > 0 && rest == "" {
			return nil
		}
		args = append([]string{rest}, args[1:]...)
	}
	targets, err := c.listed(env, args)
	if err != nil {
		return err
	}
	for i := range targets {
		_, _ = w.WriteString(targets[i].Name) // an error is kept for Flush
		_ = w.WriteByte('\n')
		if !c.flags.verbose {
			continue
		}
		lines, err := probes.ArgLines(env, targets[i].Target())
		if err != nil {
			return fmt.Errorf("arguments of %s: %w", targets[i].Name, err)
		}
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
	}
	return nil
}

// listed finds what -l is asked for.
func (c *cli) listed(env *probes.Env, args []string) ([]probes.Listed, error) {
	if c.listsProgram(args) {
		return probes.ListedTargets(c.programProbes(env, args))
	}
	pattern := ""
	if len(args) > 0 {
		pattern = args[0]
		if ext := filepath.Ext(pattern); (ext == ".bt" || ext == ".gt") && !c.flags.noWarnings.all {
			fmt.Fprintf(c.stderr, "WARNING: there is no file %s: it is taken for a pattern of probes\n", pattern)
		}
	}
	return probes.List(env, pattern)
}

// listsProgram says whether -l is asked for the probes of a program: that of -e, or a file.
func (c *cli) listsProgram(args []string) bool {
	if c.flags.program.given > 0 || len(args) == 0 {
		return c.flags.program.given > 0
	}
	info, err := os.Stat(args[0])
	return err == nil && info.Mode().IsRegular()
}

// programProbes are the probes a program would attach to.
func (c *cli) programProbes(env *probes.Env, args []string) ([]lang.Target, error) {
	src, params, err := c.source(args)
	if err == nil {
		err = textual(src)
	}
	if err != nil {
		return nil, err
	}
	file, diags := lang.Parse(src, &lang.Options{Params: params})
	if c.report(src, diags) {
		return nil, fmt.Errorf("the program has mistakes")
	}
	var out []lang.Target
	for _, item := range file.Items {
		p, ok := item.(*ast.Probe)
		if !ok {
			continue
		}
		for _, ap := range p.Points {
			ts, err := env.Resolve(ap)
			if err != nil {
				return nil, err
			}
			out = append(out, ts...)
		}
	}
	return out, nil
}
