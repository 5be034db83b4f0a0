package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gotrace/gotrace/lang/source"
)

// cli is one run of the command, with everything it touches of the process.
type cli struct {
	stdin          io.Reader
	stdout, stderr *os.File
	out            *sticky // stdout, for what is not printed by the script
	environ        func(string) string
	flags          flags
}

// flags are the command line. Names and meanings are bpftrace's.
type flags struct {
	program     string
	list        bool
	command     string
	pid         int
	stages      []string
	verbose     bool
	quiet       bool
	output      string
	bufferMode  string
	format      string
	unsafe      bool
	dryRun      bool
	noWarnings  bool
	version     bool
	help        bool
	includeDirs []string
	includes    []string
	readErrors  bool
	usdtFiles   bool
	usesProgram bool
}

const usage = `gotrace traces Linux with bpftrace-like scripts, compiled straight to eBPF.

Usage:
  gotrace [options] FILE [args]        run a script ("-" reads it from standard input)
  gotrace [options] -e PROGRAM [args]  run a program given on the command line
  gotrace -l [PATTERN]                 list probes, or types ('struct x*'); -lv lists their arguments, or members, too

Examples:
  gotrace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\n", comm, str(args.filename)); }'
  gotrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
  gotrace -l 'k:vfs_*'

Options:
`

// errUsage marks mistakes in the command line itself.
var errUsage = errors.New("usage")

// debugStages are what -d can show, in the order of compilation.
var debugStages = []string{"ast", "types", "ir", "asm"}

// parseFlags reads the command line. It returns the arguments that are not flags.
func (c *cli) parseFlags(args []string) ([]string, error) {
	fs := pflag.NewFlagSet("gotrace", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	f := &c.flags
	fs.StringVarP(&f.program, "execute", "e", "", "run `PROGRAM` instead of a file")
	fs.BoolVarP(&f.list, "list", "l", false, "list probes that match a pattern, or the probes of a program")
	fs.StringVarP(&f.command, "cmd", "c", "", "run `COMMAND` and trace until it ends; its pid is cpid")
	fs.VarP((*pidValue)(&f.pid), "pid", "p", "trace only the process `PID`, until it ends")
	fs.StringVarP(&f.output, "output", "o", "", "write what the script prints to `FILE`")
	fs.StringVarP(&f.bufferMode, "buffering", "B", "line", "buffering of the output: `none|line|full`")
	fs.StringVarP(&f.format, "format", "f", "text", "output `format`: text, or json, one object a line")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print only what the script prints")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "show load times, instruction counts and verifier logs of failures; with -l the arguments of probes")
	fs.StringSliceVarP(&f.stages, "debug", "d", nil, "print a `stage` of the compilation and stop: ast, types, ir, asm")
	fs.BoolVar(&f.dryRun, "dry-run", false, "attach everything, then end at once")
	fs.BoolVar(&f.noWarnings, "no-warnings", false, "print no warnings")
	fs.BoolVar(&f.unsafe, "unsafe", false, "allow calls with side effects")
	fs.BoolVar(&f.usdtFiles, "usdt-file-activation", false, "accepted for bpftrace's sake: the kernel activates static probes in every process, also in those that start later")
	fs.BoolVarP(&f.readErrors, "errors", "k", false, "report what failed while the script ran, with -q too")
	fs.StringArrayVarP(&f.includeDirs, "include-dir", "I", nil, "look for the headers of #include in `DIR` first")
	fs.BoolVarP(&f.version, "version", "V", false, "print the version")
	fs.BoolVarP(&f.help, "help", "h", false, "print this text")
	fs.StringArrayVar(&f.includes, "include", nil, "read the header `FILE` before the script, as an #include would")
	if err := fs.Parse(hideNumbers(args)); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	f.usesProgram = fs.Changed("execute")
	if fs.Changed("cmd") && strings.TrimSpace(f.command) == "" {
		return nil, fmt.Errorf("%w: the command of -c is empty", errUsage)
	}
	if f.help {
		fmt.Fprintf(c.out, "%s%s", usage, fs.FlagUsages())
	}
	return showNumbers(fs.Args()), f.check()
}

// numberMark stands before parameters of the script that are negative numbers, which would be taken for flags.
const numberMark = "\x00"

func hideNumbers(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		value := i > 0 && len(args[i-1]) > 1 && args[i-1][0] == '-' && (args[i-1][1] < '0' || args[i-1][1] > '9')
		if !value && len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9' {
			a = numberMark + a
		}
		out[i] = a
	}
	return out
}

func showNumbers(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strings.TrimPrefix(a, numberMark)
	}
	return out
}

// check refuses values that are out of range.
func (f *flags) check() error {
	for _, s := range f.stages {
		if s != "all" && !contains(debugStages, s) {
			return fmt.Errorf("%w: unknown stage %q of -d: use %s", errUsage, s, strings.Join(debugStages, ", "))
		}
	}
	if f.format != "text" && f.format != "json" {
		return fmt.Errorf("%w: unknown output format %q: use text or json", errUsage, f.format)
	}
	if f.readErrors && f.noWarnings {
		return fmt.Errorf("%w: -k asks for warnings that --no-warnings turns off", errUsage)
	}
	if !contains([]string{"none", "line", "full"}, f.bufferMode) {
		return fmt.Errorf("%w: unknown buffering %q of -B: use none, line or full", errUsage, f.bufferMode)
	}
	if f.pid != 0 && f.command != "" {
		return fmt.Errorf("%w: -c and -p cannot be used together", errUsage)
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
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
	return code
}

// dispatch does what the command line asks for.
func (c *cli) dispatch(args []string) int {
	rest, err := c.parseFlags(args)
	if err != nil {
		return c.fail(err)
	}
	switch {
	case c.flags.help:
		return 0
	case c.flags.version:
		fmt.Fprintln(c.out, "gotrace", version())
		return 0
	case c.flags.list:
		return c.list(rest)
	}
	src, params, err := c.source(rest)
	if err != nil {
		return c.fail(err)
	}
	if bytes.IndexByte(src.Text, 0) >= 0 {
		return c.fail(fmt.Errorf("%s is not a script: it has bytes that are no text", src.Name))
	}
	return c.trace(src, params)
}

// source reads the script: -e, a file, or standard input. What follows are its parameters.
func (c *cli) source(args []string) (*source.Source, []string, error) {
	if c.flags.usesProgram {
		return &source.Source{Name: "stdin", Text: []byte(c.flags.program)}, args, nil
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
		fmt.Fprintf(c.stderr, "gotrace: %s\nTry 'gotrace --help'.\n", strings.TrimPrefix(err.Error(), "usage: "))
		return 1
	}
	fmt.Fprintf(c.stderr, "ERROR: %v\n", err)
	return 1
}

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
