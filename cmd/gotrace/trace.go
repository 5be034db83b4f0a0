package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/output/profile"
	"github.com/gotrace/gotrace/runtime/output/report"
)

// errReported says that the messages of a failure are already printed.
var errReported = errors.New("reported")

// trace compiles and runs a script. It returns the exit code.
func (c *cli) trace(src *source.Source, params []string) int {
	code, err := c.compileAndRun(src, params)
	if err != nil {
		return c.failed(err)
	}
	return code
}

// failed tells an error, unless it is told already, and gives the exit code.
func (c *cli) failed(err error) int {
	if err = c.reported(err); errors.Is(err, errReported) {
		return 1
	}
	return c.fail(err)
}

func (c *cli) compileAndRun(src *source.Source, params []string) (code int, err error) {
	c.script = src
	if c.title = src.Name; c.flags.program.given > 0 {
		c.title = c.flags.program.text
	}
	if err := c.checkTerminal(); err != nil {
		return 1, err
	}
	script, err := runtime.Compile(src, c.options(params))
	if errors.Is(err, runtime.ErrDumped) {
		return 0, nil
	}
	var help *runtime.ScriptHelp
	if errors.As(err, &help) {
		_, _ = io.WriteString(c.out, help.Text) // c.out keeps the error
		return 1, nil                           // as with bpftrace: the script was not run
	}
	if err != nil {
		return 1, c.reported(err)
	}
	defer script.Close()
	if c.flags.output == "" && stdoutClosed() {
		return 1, errClosedOutput
	}
	out, closeOut, err := c.output()
	if err != nil {
		return 1, err
	}
	defer func() {
		if closed := closeOut(); closed != nil && err == nil {
			code, err = 1, fmt.Errorf("writing the output: %w", closed)
		}
	}()
	ctx, stop := c.signals()
	defer stop()
	// Before the session says that all is attached, and its command runs: whoever waits for that may send one at once.
	usr1 := make(chan os.Signal, 1)
	signal.Notify(usr1, syscall.SIGUSR1)
	defer signal.Stop(usr1)
	s, err := script.Open(ctx, c.announced(c.sink(out)))
	if errors.Is(err, context.Canceled) {
		return 0, nil // nothing has run yet
	}
	if err != nil {
		return 1, c.reported(err)
	}
	defer s.Close()
	defer each(usr1, s.Signal)()
	if c.flags.dryRun {
		return 0, nil
	}
	err = s.Run(ctx)
	if c.page != nil {
		if closed := c.page.Close(); !errors.Is(closed, syscall.EPIPE) { // that nobody reads it is not worth a word
			err = errors.Join(err, closed)
		}
	}
	if err != nil {
		return 1, c.reported(err)
	}
	return s.ExitCode(), nil
}

// options are the settings of the script and its session. What there is to tell before the output is open are messages.
func (c *cli) options(params []string) runtime.Options {
	opts := runtime.Options{
		Params:      params,
		Named:       c.flags.named,
		PID:         c.flags.pid,
		Command:     c.flags.command,
		Sink:        c.sink(nil),
		Verbose:     c.flags.verbose,
		Lookups:     c.flags.errors,
		Mode:        c.flags.runMode(),
		Filter:      c.flags.filterRE,
		NoWarnings:  c.flags.noWarnings.codes,
		Unsafe:      c.flags.unsafe,
		IncludeDirs: c.flags.includeDirs,
		DebugInfo:   c.flags.debugInfo,
		Functions:   c.flags.functions,
		Without:     c.flags.without,
		Includes:    c.flags.includes,
		Environ:     c.environ,
	}
	if len(c.flags.stages) > 0 || slices.Contains(compileOnly, c.flags.mode) {
		opts.Dump = &runtime.Dump{Writer: c.out, Stages: c.stages()}
	}
	return opts
}

// stages are those that -d asks for.
func (c *cli) stages() []string {
	if slices.Contains(c.flags.stages, "all") {
		return debugStages
	}
	return c.flags.stages
}

// fileFormats are the formats that nobody wants on a terminal, with what they write.
var fileFormats = map[string]string{"pprof": "a compressed file", "flamegraph": "a page", "html": "a page"}

// checkTerminal refuses to write a file to a terminal.
func (c *cli) checkTerminal() error {
	what := fileFormats[c.flags.format]
	if what == "" || c.flags.output != "" || len(c.flags.stages) > 0 || c.flags.mode == "codegen" {
		return nil
	}
	if _, err := unix.IoctlGetTermios(int(c.stdout.Fd()), unix.TCGETS); err != nil {
		return nil
	}
	return fmt.Errorf("%w: -f %s writes %s, which a terminal cannot show: give -o FILE, or redirect the output", errUsage, c.flags.format, what)
}

// pageSink is the sink of -f html. It is there before the output is, because warnings about the script belong to it.
func (c *cli) pageSink(out io.Writer, opts output.TextOptions) output.Sink {
	if c.page == nil {
		info := report.Info{Title: c.title, Script: c.script, Version: version(), Kernel: kernelRelease()}
		c.page = report.New(nil, c.stderr, info, opts)
	}
	if out != nil {
		c.page.SetOutput(out)
	}
	return c.page
}

// kernelRelease is what uname -r shows, "" if that is not known.
func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// sink writes what the session has to tell.
func (c *cli) sink(out io.Writer) output.Sink {
	opts := output.TextOptions{
		Buffering:  c.flags.bufferMode,
		Quiet:      c.flags.quiet,
		NoWarnings: c.flags.noWarnings.all,
		Errors:     c.flags.errors,
		Color:      c.colour(c.stderr),
		Columns:    c.columns(),

		ColorOutput: c.flags.output == "" && c.colour(c.stdout),
	}
	if write := profile.Formats[c.flags.format]; write != nil && out != nil {
		return profile.NewSink(out, c.stderr, c.title, write, opts)
	}
	switch c.flags.format {
	case "html":
		return c.pageSink(out, opts)
	case "json":
		return output.NewJSON(out, c.stderr, opts)
	}
	return output.NewText(out, c.stderr, opts)
}

// attachedMark is the variable in whose presence bpftrace prints its name when all probes are attached: for programs that start a tracer and then
// what is to be traced. Where "Attached N probes" says so, it is not said twice: who waits for either line compares what comes after it.
const attachedMark = "__BPFTRACE_NOTIFY_PROBES_ATTACHED"

// announced prints attachedMark where it is asked for.
func (c *cli) announced(sink output.Sink) output.Sink {
	said := c.flags.format == "text" && !c.flags.quiet
	if c.env(attachedMark) == "" || said {
		return sink
	}
	return output.Tee{sink, output.Func(func(e output.Event) error {
		if _, ok := e.(output.Attached); !ok {
			return nil
		}
		_, err := fmt.Fprintln(c.stdout, attachedMark)
		return err
	})}
}

// reported prints errors that have a place in the script as diagnostics.
func (c *cli) reported(err error) error {
	var at *runtime.Error
	if errors.As(err, &at) {
		c.report(at.Source, at.Diagnostics)
		return errReported
	}
	return err
}

// report prints diagnostics and says whether there is an error among them.
func (c *cli) report(src *source.Source, diags source.Diagnostics) bool {
	if c.flags.noWarnings.all || c.flags.quiet {
		diags = diags.Errors()
	}
	diags.Write(c.stderr, src, c.colour(c.stderr))
	return diags.HasErrors()
}

// colour says whether what goes to a file may be coloured: on a terminal, unless NO_COLOR is set. BPFTRACE_COLOR, or GOTRACE_COLOR, can say always
// or never.
func (c *cli) colour(f *os.File) bool {
	switch cmp.Or(c.env("GOTRACE_COLOR"), c.env("BPFTRACE_COLOR")) {
	case "always":
		return true
	case "never":
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && c.env("NO_COLOR") == ""
}

// columns tells the width of the terminal that messages go to, nil if they go elsewhere, or it is one without control sequences.
func (c *cli) columns() func() int {
	fd := int(c.stderr.Fd())
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil || c.env("TERM") == "dumb" {
		return nil
	}
	return func() int {
		size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err != nil {
			return 0
		}
		return int(size.Col)
	}
}

// output is where the script prints: -o or standard output.
func (c *cli) output() (io.Writer, func() error, error) {
	if c.flags.output == "" {
		return c.stdout, func() error { return nil }, nil
	}
	// For writing alone, as a shell's redirection does: to open a named pipe waits for its reader, and a reader that goes away is noticed.
	f, err := os.OpenFile(c.flags.output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the output: %w", err)
	}
	return f, f.Close, nil
}

// each calls do for each signal that comes until the function that it returns is called.
func each(ch chan os.Signal, do func()) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range ch {
			do()
		}
	}()
	return func() {
		signal.Stop(ch)
		close(ch)
		<-ended
	}
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
