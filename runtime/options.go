package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
)

// Options are the settings of a script and its session.
type Options struct {
	Name   string   // of the script in messages; "" means "script"
	Params []string // positional parameters: $1 …
	Named  []string // named parameters, "name" or "name=value" each: getopt("name")

	PID     int    // trace only this process, and end with it; 0 traces all
	Command string // run this command, which the session owns, and end with it; its pid is cpid

	// Mode chooses the probes: those that trace, the test probes or the bench probes; BEGIN and END are always among them. Filter, if
	// set, leaves out those whose names do not match.
	Mode   Mode
	Filter *regexp.Regexp

	Sink    output.Sink // takes all that the session has to tell; nil drops it
	Lookups bool        // count reads of elements of maps that are not there, and tell them with what else fails
	Verbose bool        // tell load times, instruction counts and the logs of rejected programs

	NoWarnings  []string // codes of warnings about the script that are not told
	Unsafe      bool     // allow what can harm
	DebugInfo   []string // where debug files of traced programs are
	IncludeDirs []string // where #include looks first
	Includes    []string // headers that are read before the script
	Functions   string   // a file with the kernel's functions that can be traced, "" for the kernel's list
	Without     []string // ways of attaching that are not used: some of probes.Features
	// Environ gives GOTRACE_* and BPFTRACE_* variables, as os.LookupEnv does; nil means none.
	Environ func(string) (string, bool)

	// Env finds and attaches probes; nil: one is made.
	Env *probes.Env
	// Dump, if set, shows stages of the compilation.
	Dump *Dump
	// Took, if set, is told how long each stage of the compilation took.
	Took func(stage string, took time.Duration)

	ctx   context.Context                      // of Open: loading and attaching stop at its end
	child *Child                               // of Command
	plan  func(*codegen.Program) (plan, error) // tests: in the place of Env
}

// Mode is what a session runs.
type Mode string

// The modes.
const (
	ModeTrace Mode = ""
	ModeTest  Mode = "test"
	ModeBench Mode = "bench"
)

// Dump asks Compile to show what the stages of the compilation make: "ast", "types", "ir", "asm". It stops behind the last of them with
// ErrDumped.
type Dump struct {
	Writer io.Writer
	Stages []string
}

// Error is an error with places in the script.
type Error struct {
	Diagnostics source.Diagnostics // at least one; warnings may be among them
	Source      *source.Source     // the script
	Err         error              // what it comes from, nil for a mistake in the script
}

// Error says where the first mistake is, and what.
func (e *Error) Error() string {
	list := e.Diagnostics.Errors()
	if len(list) == 0 {
		list = e.Diagnostics
	}
	text := list[0].Message
	if pos := list[0].Pos; pos.Line > 0 && e.Source != nil {
		text = fmt.Sprintf("%s:%d:%d: %s", e.Source.At(pos).Name, pos.Line, pos.Column, text)
	}
	if n := len(list) - 1; n > 0 {
		text += fmt.Sprintf(" (and %s)", times(uint64(n), "more", "more"))
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// errorAt gives an error a place in the script.
func errorAt(d source.Diagnostic, err error) error {
	return &Error{Diagnostics: source.Diagnostics{d}, Err: err}
}

// located gives an error with a place the script that it is in.
func (s *Session) located(err error) error {
	var at *Error
	if errors.As(err, &at) {
		at.Source = s.bp.Checked.Source
	}
	return err
}
