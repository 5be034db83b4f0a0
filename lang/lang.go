// Package lang is the language: it reads scripts and finds out their types. It is a facade; the work is done in the
// packages below it: source (places, messages), literal, ast, syntax (the parser), imports, macro, types, ctypes (C definitions), kernel (what a
// kernel can do), builtin (the tables of names and of kinds of probes) and check (the checker). It knows the machine only through Env.
package lang

import (
	"io"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/imports"
	"github.com/gotrace/gotrace/lang/lint"
	"github.com/gotrace/gotrace/lang/source"
)

// What the checker takes and gives; see package check.
type (
	Env           = check.Env
	Target        = check.Target
	NotFoundError = check.NotFoundError
	MissingError  = check.MissingError
	ArgPlace      = check.ArgPlace
	Options       = check.Options
	Checked       = check.Checked
	Config        = check.Config
	Map           = check.Map
	Prog          = check.Prog
	Variable      = check.Variable
)

// How user stacks are followed: see check.
const (
	UnwindFramePointer = check.UnwindFramePointer
	UnwindAuto         = check.UnwindAuto
	UnwindTables       = check.UnwindTables
)

// MaxLoopIterations is the largest value of the setting max_loop_iterations.
const MaxLoopIterations = check.MaxLoopIterations

// MaxSignal is the largest number of a signal.
const MaxSignal = check.MaxSignal

// Names of the kernel's that programs use.
const (
	TaskFromPID   = check.TaskFromPID
	TaskRelease   = check.TaskRelease
	PerCPUOffsets = check.PerCPUOffsets
)

// SignalNumber is the number of a signal by its name, 0 if there is none.
func SignalNumber(name string) int { return check.SignalNumber(name) }

// Parse reads a script and what it imports. It returns all mistakes it finds, in the order of the text; the tree is whole only
// if there are none, and never nil. Attach points have their positional parameters replaced
// from opts.Params. opts may be nil.
func Parse(src *source.Source, opts *Options) (*ast.File, source.Diagnostics) {
	if opts == nil {
		opts = &Options{}
	}
	return imports.Parse(src, &imports.Options{Params: opts.Params, Files: opts.Imports})
}

// Check finds out the types of a script, and all its mistakes. opts may be nil.
func Check(file *ast.File, src *source.Source, env Env, opts *Options) (*Checked, source.Diagnostics) {
	checked, diags := check.Check(file, src, env, opts)
	if !diags.HasErrors() {
		diags = append(diags, lint.Script(file, checked)...)
		diags.Sort()
	}
	return checked, diags.Without(checked.Config.NoWarnings)
}

// CheckRest checks what syntax errors leave of a script, and gives them with the mistakes that are found there. Where they leave nothing
// that means something, it gives them alone. It asks env for the environment if there is something to check, nil for none.
func CheckRest(file *ast.File, src *source.Source, syntaxErrors source.Diagnostics, env func() Env, opts *Options) source.Diagnostics {
	if file.Broken || !file.HasProbes() {
		return syntaxErrors
	}
	for _, d := range syntaxErrors {
		if d.Pos.Filename != src.Name || d.Severity == source.SevError && d.Code == "bad-import" {
			return syntaxErrors
		}
	}
	machine := env()
	if machine == nil {
		return syntaxErrors
	}
	_, diags := check.Check(file, src, machine, opts)
	all := append(syntaxErrors, diags.Errors()...)
	all.Sort()
	return all
}

// DumpTypes writes what the checker found out, for -d types.
func DumpTypes(w io.Writer, c *Checked) { check.DumpTypes(w, c) }
