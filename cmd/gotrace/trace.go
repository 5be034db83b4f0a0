package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
)

// errReported says that the messages of a failure are already printed.
var errReported = errors.New("reported")

// trace compiles and runs a script. It returns the exit code.
func (c *cli) trace(src *source.Source, params []string) int {
	code, err := c.compileAndRun(src, params)
	switch {
	case errors.Is(err, errReported):
		return 1
	case err != nil:
		return c.fail(err)
	}
	return code
}

func (c *cli) compileAndRun(src *source.Source, params []string) (int, error) {
	opts := &lang.Options{
		Params:  params,
		Environ: c.environ,
		Headers: probes.Headers(c.flags.includeDirs, c.flags.includes),
	}
	file, diags := lang.Parse(src, opts)
	if c.report(src, diags) {
		return 1, errReported
	}
	if c.shows("ast") {
		ast.Dump(c.out, file)
		if c.lastStage() == "ast" {
			return 0, nil
		}
	}
	if len(c.flags.stages) == 0 {
		if err := probes.CheckPrivileges(); err != nil {
			return 1, err
		}
	}
	child, err := c.startChild(opts)
	if err != nil {
		return 1, err
	}
	if child != nil {
		defer child.Close()
	}
	env, err := probes.NewEnv(c.envOptions())
	if err != nil {
		return 1, err
	}
	bp, err := c.compile(src, file, env, opts)
	if err != nil || bp == nil {
		return 0, err
	}
	return c.runBlueprint(bp, env, child)
}

// envOptions are the settings of the machine's view. A file with the kernel's types is named as for bpftrace.
func (c *cli) envOptions() probes.EnvOptions {
	return probes.EnvOptions{
		PID:    c.flags.pid,
		Unsafe: c.flags.unsafe,
		BTF:    cmp.Or(c.environ("GOTRACE_BTF"), c.environ("BPFTRACE_BTF")),
	}
}

// compile checks and compiles. A nil blueprint without an error means that -d asked for no more.
func (c *cli) compile(src *source.Source, file *ast.File, env lang.Env, opts *lang.Options) (*codegen.Blueprint, error) {
	checked, diags := lang.Check(file, src, env, opts)
	if c.report(src, diags) {
		return nil, errReported
	}
	if c.shows("types") {
		lang.DumpTypes(c.out, checked)
		if c.lastStage() == "types" {
			return nil, nil
		}
	}
	copts := &codegen.Options{FilterPID: c.flags.pid}
	if c.shows("ir") {
		copts.Dump = func(stage string, p fmt.Stringer) { fmt.Fprintf(c.out, "; %s\n%s\n", stage, p) }
	}
	bp, err := codegen.Compile(checked, env, copts)
	var limit *codegen.Error
	if errors.As(err, &limit) {
		c.report(src, source.Diagnostics{{Span: limit.Span, Code: "limit", Message: limit.Message, Hint: limit.Hint}})
		return nil, errReported
	}
	if err != nil {
		return nil, err
	}
	if c.shows("asm") {
		for _, p := range bp.Programs {
			fmt.Fprintf(c.out, "; %s\n%v\n", p.Name, p.Insns)
		}
	}
	if len(c.flags.stages) > 0 {
		return nil, nil
	}
	return bp, nil
}

// report prints diagnostics and says whether there is an error among them.
func (c *cli) report(src *source.Source, diags source.Diagnostics) bool {
	if c.flags.noWarnings || c.flags.quiet {
		diags = diags.Errors()
	}
	diags.Write(c.stderr, src, c.colour())
	return diags.HasErrors()
}

// colour says whether messages may be coloured: on a terminal, unless NO_COLOR is set.
func (c *cli) colour() bool {
	info, err := c.stderr.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && c.environ("NO_COLOR") == ""
}

// shows says whether -d asks for a stage.
func (c *cli) shows(stage string) bool {
	return contains(c.flags.stages, stage) || contains(c.flags.stages, "all")
}

// lastStage is the latest stage that -d asks for.
func (c *cli) lastStage() string {
	last := ""
	for _, s := range debugStages {
		if c.shows(s) {
			last = s
		}
	}
	return last
}

// startChild starts the command of -c, stopped before its first instruction.
func (c *cli) startChild(opts *lang.Options) (*runtime.Child, error) {
	if c.flags.command == "" || len(c.flags.stages) > 0 {
		return nil, nil
	}
	child, err := runtime.StartChild(c.flags.command)
	if err != nil {
		return nil, err
	}
	opts.ChildPID = child.PID()
	return child, nil
}

// runBlueprint loads, attaches and runs. It returns the exit code of the script.
func (c *cli) runBlueprint(bp *codegen.Blueprint, env *probes.Env, child *runtime.Child) (int, error) {
	if c.flags.output == "" && stdoutClosed(env) {
		return 1, errClosedOutput
	}
	out, closeOut, err := c.output()
	if err != nil {
		return 1, err
	}
	defer closeOut()
	ctx, stop := c.signals()
	defer stop()
	s, err := runtime.Load(bp, c.runOptions(out, env, child))
	if err != nil {
		return 1, c.runError(bp, err)
	}
	defer s.Close()
	defer context.AfterFunc(ctx, s.StopLoops)()
	if err := s.Attach(); err != nil {
		return 1, c.runError(bp, err)
	}
	if c.flags.dryRun {
		return 0, nil
	}
	if err := s.Run(ctx); err != nil {
		return 1, c.runError(bp, err)
	}
	return s.ExitCode(), nil
}

func (c *cli) runOptions(out io.Writer, env *probes.Env, child *runtime.Child) runtime.Options {
	return runtime.Options{
		Sink:    c.sink(out),
		Env:     env,
		Child:   child,
		PID:     c.flags.pid,
		Verbose: c.flags.verbose,
	}
}

// sink writes what the session has to tell.
func (c *cli) sink(out io.Writer) output.Sink {
	return output.NewText(out, c.stderr, output.TextOptions{
		Buffering:  c.flags.bufferMode,
		Quiet:      c.flags.quiet,
		NoWarnings: c.flags.noWarnings,
		Color:      c.colour(),
	})
}

// runError prints errors that have a place in the script as diagnostics.
func (c *cli) runError(bp *codegen.Blueprint, err error) error {
	var at *runtime.ScriptError
	if errors.As(err, &at) {
		c.report(bp.Checked.Source, source.Diagnostics{at.Diagnostic})
		return errReported
	}
	return err
}

// output is where the script prints: -o or standard output.
func (c *cli) output() (io.Writer, func(), error) {
	if c.flags.output == "" {
		return c.stdout, func() {}, nil
	}
	// For writing alone, as a shell's redirection does: to open a named pipe waits for its reader, and a reader that goes away is noticed.
	f, err := os.OpenFile(c.flags.output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the output: %w", err)
	}
	return f, func() { f.Close() }, nil
}

// signals returns a context that the first SIGINT, SIGTERM or SIGHUP ends. A second one quits at once, as SIGQUIT does (quietQuit): the
// kernel takes back everything a dead process had attached. A SIGHUP that is ignored, as nohup does, stays ignored.
func (c *cli) signals() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(ch, syscall.SIGHUP)
	}
	go func() {
		for sig := range ch {
			if ctx.Err() != nil {
				runtime.Leave(128 + int(sig.(syscall.Signal)))
			}
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(ch)
		cancel()
	}
}
