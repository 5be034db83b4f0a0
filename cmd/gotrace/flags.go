package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
)

// flags are the command line. Names and meanings are bpftrace's.
type flags struct {
	named       []string // parameters of the script, without their dashes
	program     programValue
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
	noWarnings  warningsValue
	reformat    bool
	version     bool
	help        bool
	info        bool
	includeDirs []string
	includes    []string
	debugInfo   []string
	functions   string
	without     []string
	errors      bool
	mode        string
	test, bench bool
	filter      string
	filterRE    *regexp.Regexp
}

const synopsis = `  gotrace [options] FILE [args]        run a script ("-" reads it from standard input)
  gotrace [options] -e PROGRAM [args]  run a program given on the command line
  gotrace fmt [-l] [-d] [-w] [FILE]... print scripts in one style, or write them back; see gotrace fmt --help
  gotrace -l [PATTERN]                 list probes, or types ('struct x*'); -lv lists their arguments, or members, too
`

const intro = `gotrace traces Linux with bpftrace-like scripts, compiled straight to eBPF.

USAGE:
` + synopsis

const outro = `
CONFIGURATION:
  A script's config block sets variables (config = { max_strlen = 200 }), and so does the environment: BPFTRACE_MAX_STRLEN or
  GOTRACE_MAX_STRLEN. docs/reference.md lists them. NO_COLOR or BPFTRACE_COLOR=never turns colours off, BPFTRACE_BTF names a
  file with the kernel's types.

EXAMPLES:
  gotrace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\n", comm, str(args.filename)); }'
      who opens which files
  gotrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
      system calls by program
  gotrace -e 'profile:hz:99 { @[comm] = count(); } interval:s:5 { exit(); }'
      who is on the CPUs, for five seconds
  gotrace -l 'kprobe:vfs_*'
      the functions of the kernel whose names begin with vfs_
`

// errUsage marks mistakes in the command line itself.
var errUsage = errors.New("usage")

// debugStages are what -d can show, in the order of compilation.
var debugStages = []string{"ast", "types", "ir", "asm"}

// foreignStages answer the stages of bpftrace's -d.
var foreignStages = map[string]string{
	"parse":       "; ast is the syntax tree",
	"codegen":     "; ir is the intermediate form, before and after the optimiser",
	"codegen-opt": "; ir is the intermediate form, before and after the optimiser",
	"dis":         "; asm are the instructions",
	"libbpf":      "; there is no libbpf here",
	"-e":          "; older versions of bpftrace had no stages here: use -d all",
	"verifier":    "; -v shows the verifier's log of what it refuses",
}

// group is some of the flags, under a title of --help.
type group struct {
	title string
	add   func(fs *pflag.FlagSet, f *flags)
}

var groups = []group{
	{"OPTIONS", func(fs *pflag.FlagSet, f *flags) {
		fs.VarP(&f.program, "execute", "e", "run `PROGRAM` instead of a file")
		fs.BoolVarP(&f.list, "list", "l", false, "list probes that match a pattern, or the probes of a program")
		fs.StringVarP(&f.command, "cmd", "c", "", "run `COMMAND` and trace until it ends; its pid is cpid")
		fs.VarP((*pidValue)(&f.pid), "pid", "p", "trace only the process `PID`, until it ends")
		fs.BoolVar(&f.unsafe, "unsafe", false, "allow calls with side effects")
		fs.StringArrayVarP(&f.includeDirs, "include-dir", "I", nil, "look for the headers of #include in `DIR` first")
		fs.StringArrayVar(&f.includes, "include", nil, "read the header `FILE` before the script, as an #include would")
		fs.StringArrayVar(&f.debugInfo, "debuginfo", nil, "look for the debug files of traced programs in `DIR[:DIR]` first, from the program's directory on")
		fs.StringVar(&f.functions, "traceable-functions", "", "the functions of the kernel that wildcards and lists mean are in `FILE`, as in available_filter_functions")
		fs.StringSliceVar(&f.without, "no-feature", nil, "attach without a `FEATURE,…` of the kernel: "+strings.Join(probes.Features, ", "))
		fs.BoolVar(&f.info, "info", false, "show what this kernel and machine offer, and what each is needed for; also with -f json")
		fs.BoolVarP(&f.version, "version", "V", false, "print the version")
		fs.BoolVarP(&f.help, "help", "h", false, "print this text")
	}},
	{"OUTPUT", func(fs *pflag.FlagSet, f *flags) {
		fs.StringVarP(&f.output, "output", "o", "", "write what the script prints to `FILE`")
		fs.StringVarP(&f.format, "format", "f", "text", "output `FORMAT`: text; json, one object a line; html, a page with pictures of all maps; or of maps by stack: folded, pprof, flamegraph, a page")
		fs.StringVarP(&f.bufferMode, "buffering", "B", "line", "buffering of the output: `none|line|full`")
		fs.BoolVarP(&f.quiet, "quiet", "q", false, "print only what the script prints")
		fs.BoolVarP(&f.verbose, "verbose", "v", false, "show load times, instruction counts and verifier logs of failures; with -l the arguments of probes")
		fs.BoolVarP(&f.errors, "warnings", "k", false, "report what failed while the script ran, with -q too, and reads of map elements that are not there")
		fs.BoolVar(&f.reformat, "fmt", false, "print the script in one style, and do not run it")
		fs.Var(&f.noWarnings, "no-warnings", "print no warnings, or none of the codes `CODE,…`")
		fs.Lookup("no-warnings").NoOptDefVal = allWarnings
	}},
	{"TESTS", func(fs *pflag.FlagSet, f *flags) {
		fs.BoolVar(&f.test, "test", false, "run the test probes of the script, and fail if one of them fails")
		fs.BoolVar(&f.bench, "bench", false, "run the bench probes of the script, and show how long they take")
		fs.StringVar(&f.mode, "mode", "", "`MODE`: test, bench; codegen, which only compiles the script; compiler-bench, which shows how long that takes; format, as --fmt")
		fs.StringVar(&f.filter, "probe-filter", "", "run only probes whose names match the regular expression `REGEX`")
		fs.BoolVar(&f.dryRun, "dry-run", false, "attach everything, then end at once")
		fs.StringSliceVarP(&f.stages, "debug", "d", nil, "print a `STAGE` of the compilation and stop: ast, types, ir, asm, all")
	}},
	{"", addForeign},
}

// foreign are flags of bpftrace that have no meaning here, and what they are answered with; those without an answer are accepted.
var foreign = []struct {
	name, short, answer string
	value               bool // the flag has one
}{
	{name: "btf", short: "b"},
	{name: "dwarf-pid", value: true},
	{name: "usdt-file-activation"}, // the kernel activates static probes in every process, also in those that start later
	{name: "verify-llvm-ir"},
	{name: "aot", value: true, answer: "gotrace starts in milliseconds, and needs nothing on the machine where a script runs: copy gotrace and the script"},
	{name: "emit-elf", value: true, answer: "gotrace makes no ELF files: -d asm shows the instructions"},
	{name: "emit-llvm", value: true, answer: "there is no LLVM here: -d ir shows gotrace's own intermediate form"},
}

func addForeign(fs *pflag.FlagSet, _ *flags) {
	for _, f := range foreign {
		if !f.value {
			fs.BoolP(f.name, f.short, false, "")
		} else {
			fs.StringP(f.name, f.short, "", "")
		}
		_ = fs.MarkHidden(f.name)
	}
}

// parseFlags reads the command line. It returns the arguments that are not flags.
func (c *cli) parseFlags(args []string) ([]string, error) {
	fs := pflag.NewFlagSet("gotrace", pflag.ContinueOnError)
	fs.Usage = func() {}
	for _, g := range groups {
		g.add(fs, &c.flags)
	}
	if err := fs.Parse(hideNumbers(args)); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if c.flags.help {
		c.showHelp()
		return nil, nil
	}
	for _, f := range foreign {
		if f.answer != "" && fs.Changed(f.name) {
			return nil, fmt.Errorf("%w: --%s: %s", errUsage, f.name, f.answer)
		}
	}
	if fs.Changed("cmd") && strings.TrimSpace(c.flags.command) == "" {
		return nil, fmt.Errorf("%w: the command of -c is empty", errUsage)
	}
	args, c.flags.named = splitNamed(showNumbers(fs.Args()), fs.ArgsLenAtDash())
	return args, c.flags.check()
}

// showHelp prints what --help asks for.
func (c *cli) showHelp() {
	_, _ = io.WriteString(c.out, intro)
	for _, g := range groups {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		fs.SortFlags = false
		g.add(fs, &flags{})
		if g.title != "" {
			fmt.Fprintf(c.out, "\n%s:\n%s", g.title, fs.FlagUsages())
		}
	}
	_, _ = io.WriteString(c.out, outro) // c.out keeps the error
}

// check refuses values that are out of range, and flags that contradict each other.
func (f *flags) check() error {
	for _, s := range f.stages {
		if s != "all" && !slices.Contains(debugStages, s) {
			return fmt.Errorf("%w: unknown stage %q of -d: use %s, or all%s", errUsage, s, strings.Join(debugStages, ", "), foreignStages[s])
		}
	}
	for _, s := range f.without {
		if !slices.Contains(probes.Features, s) {
			return fmt.Errorf("%w: --no-feature knows %s, and no %q", errUsage, strings.Join(probes.Features, ", "), s)
		}
	}
	if formats := []string{"text", "json", "html", "folded", "pprof", "flamegraph"}; !slices.Contains(formats, f.format) {
		return fmt.Errorf("%w: unknown output format %q: use %s", errUsage, f.format, strings.Join(formats, ", "))
	}
	if !slices.Contains([]string{"none", "line", "full"}, f.bufferMode) {
		return fmt.Errorf("%w: unknown buffering %q of -B: use none, line or full", errUsage, f.bufferMode)
	}
	if f.pid != 0 && f.command != "" {
		return fmt.Errorf("%w: -c and -p cannot be used together", errUsage)
	}
	if f.errors && f.noWarnings.all {
		return fmt.Errorf("%w: -k asks for warnings that --no-warnings turns off", errUsage)
	}
	return errors.Join(f.checkMode(), f.checkFilter())
}

// checkMode finds the mode, which three flags can name.
func (f *flags) checkMode() error {
	var modes []string
	add := func(name string, set bool) {
		if set && !slices.Contains(modes, name) {
			modes = append(modes, name)
		}
	}
	add("bench", f.bench)
	add("test", f.test)
	add("format", f.reformat)
	add(f.mode, f.mode != "")
	switch {
	case len(modes) > 1:
		return fmt.Errorf("%w: --mode, --test, --bench and --fmt: only one of %s can be run at a time", errUsage, strings.Join(modes, " and "))
	case len(modes) == 1:
		f.mode = modes[0]
	}
	f.reformat = f.mode == "format"
	if !slices.Contains([]string{"", "test", "bench", "format"}, f.mode) && !slices.Contains(compileOnly, f.mode) {
		return fmt.Errorf("%w: unknown mode %q of --mode: use test, bench, codegen, compiler-bench or format", errUsage, f.mode)
	}
	return nil
}

func (f *flags) checkFilter() (err error) {
	if f.filter != "" {
		if f.filterRE, err = regexp.Compile(f.filter); err != nil {
			return fmt.Errorf("%w: --probe-filter: %w", errUsage, err)
		}
	}
	return nil
}

// compilerBench is the mode that measures the compiler, compileOnly are those that run nothing.
const compilerBench = "compiler-bench"

var compileOnly = []string{"codegen", compilerBench}

// runMode is what the session runs.
func (f *flags) runMode() runtime.Mode {
	if slices.Contains(compileOnly, f.mode) {
		return runtime.ModeTrace
	}
	return runtime.Mode(f.mode)
}

// splitNamed takes the named parameters of the script out of the arguments: those behind "--", the argument at dash, that begin with "--".
func splitNamed(args []string, dash int) (rest, named []string) {
	if dash < 0 {
		return args, nil
	}
	rest = append(rest, args[:dash]...)
	for _, a := range args[dash:] {
		if name, ok := strings.CutPrefix(a, "--"); ok && name != "" {
			named = append(named, name)
		} else {
			rest = append(rest, a)
		}
	}
	return rest, named
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
