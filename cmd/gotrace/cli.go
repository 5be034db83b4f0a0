package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/output/report"
)

// cli is one run of the command, with everything it touches of the process.
type cli struct {
	stdin          io.Reader
	stdout, stderr *os.File
	out            *sticky                     // stdout, for what is not printed by the script
	environ        func(string) (string, bool) // as os.LookupEnv
	flags          flags
	title          string // of a profile
	script         *source.Source
	page           *report.Sink // of -f html, nil for other formats
}

// env is a variable of the environment, "" if it is not set.
func (c *cli) env(name string) string {
	value, _ := c.environ(name)
	return value
}

// run is the whole command. It returns the exit code.
func (c *cli) run(args []string) int {
	c.out = &sticky{w: c.stdout}
	if err := checkLimits(); err != nil {
		return c.fail(err)
	}
	code := c.dispatch(args)
	if c.out.err != nil {
		return c.fail(c.out.err)
	}
	if c.out.used && stdoutClosed() {
		return c.fail(errClosedOutput)
	}
	return code
}

// dispatch does what the command line asks for.
func (c *cli) dispatch(args []string) int {
	if len(args) > 0 && args[0] == "fmt" {
		return c.formatCommand(args[1:])
	}
	rest, err := c.parseFlags(args)
	if err != nil {
		return c.fail(err)
	}
	switch {
	case c.flags.help:
		return 0
	case c.flags.version:
		fmt.Fprintf(c.out, "gotrace %s (the language of bpftrace v%s)\n", version(), language)
		return 0
	case c.flags.info:
		return c.info()
	case c.flags.list:
		return c.list(rest)
	case c.flags.reformat:
		return c.formatScript(rest)
	}
	src, params, err := c.source(rest)
	if err != nil {
		return c.fail(err)
	}
	if err := textual(src); err != nil {
		return c.fail(err)
	}
	if c.flags.mode == compilerBench {
		return c.benchCompiler(src, params)
	}
	return c.trace(src, params)
}

// textual refuses what is no text.
func textual(src *source.Source) error {
	if bytes.IndexByte(src.Text, 0) >= 0 {
		return fmt.Errorf("%s is not a script: it has bytes that are no text", src.Name)
	}
	return nil
}

// source reads the script: -e, a file, or standard input. What follows are its parameters.
func (c *cli) source(args []string) (*source.Source, []string, error) {
	if p := c.flags.program; p.given > 0 {
		if p.given > 1 && !c.flags.quiet && !c.flags.noWarnings.all {
			fmt.Fprintf(c.stderr, "WARNING: -e is given %d times: only the last program runs\n", p.given)
		}
		return &source.Source{Name: "stdin", Text: []byte(p.text)}, args, nil
	}
	if len(args) == 0 {
		return nil, nil, fmt.Errorf("%w: no script: give a file, or a program with -e", errUsage)
	}
	if args[0] == "-" {
		src, err := source.ReadSourceFrom(c.stdin, "stdin")
		if err != nil {
			return nil, nil, fmt.Errorf("reading standard input: %w", err)
		}
		return src, args[1:], nil
	}
	src, err := source.ReadSource(args[0])
	if err != nil {
		return nil, nil, fmt.Errorf("reading the script: %w", err)
	}
	return src, args[1:], nil
}

// fail prints an error that has no place in a script.
func (c *cli) fail(err error) int {
	if errors.Is(err, errUsage) {
		fmt.Fprintf(c.stderr, "ERROR: %s\n\nUSAGE:\n%s\nTry 'gotrace --help'.\n", strings.TrimPrefix(err.Error(), "usage: "), synopsis)
		return 1
	}
	fmt.Fprintf(c.stderr, "ERROR: %v\n", err)
	return 1
}

// language is the version of bpftrace whose language this is.
const language = "0.27"

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v += " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return v
}
