package runtime

import (
	"io"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
)

// Options are the settings of a session.
type Options struct {
	Stdout io.Writer // what the script prints; nil discards it
	Stderr io.Writer // messages about the run; nil discards them
	// Printer replaces the text that is written to Stdout and Stderr by an output format of the caller's.
	Printer Printer

	Env   *probes.Env // finds and attaches probes
	Child *Child      // the command to trace, whose end ends the run; the session releases it
	PID   int         // the process to trace, whose end ends the run; 0 for none

	Verbose    bool // show load times, instruction counts and the logs of rejected programs
	Quiet      bool // no message about attached probes, no warnings
	NoWarnings bool
	Color      bool   // colour the messages
	Buffering  string // BufferNone, BufferLine or BufferFull; "" means BufferLine

	plan func(*codegen.Program) (plan, error) // tests: in the place of Env
}

// ScriptError is an error with a place in the script.
type ScriptError struct {
	Diagnostic source.Diagnostic
	Err        error
}

func (e *ScriptError) Error() string { return e.Diagnostic.Message }
func (e *ScriptError) Unwrap() error { return e.Err }
