package runtime

import (
	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
)

// Options are the settings of a session.
type Options struct {
	Sink output.Sink // takes all that the session has to tell; nil drops it

	Env   *probes.Env // finds and attaches probes
	Child *Child      // the command to trace, whose end ends the run; the session releases it
	PID   int         // the process to trace, whose end ends the run; 0 for none

	Verbose bool // tell load times, instruction counts and the logs of rejected programs

	plan func(*codegen.Program) (plan, error) // tests: in the place of Env
}

// ScriptError is an error with a place in the script.
type ScriptError struct {
	Diagnostic source.Diagnostic
	Err        error
}

func (e *ScriptError) Error() string { return e.Diagnostic.Message }
func (e *ScriptError) Unwrap() error { return e.Err }
