package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/getopt"
	"github.com/gotrace/gotrace/lang/imports"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/internal/selection"
	"github.com/gotrace/gotrace/runtime/output"
)

// ErrDumped is what Compile gives when Options.Dump asked for no more.
var ErrDumped = errors.New("the stages asked for were shown")

// ScriptHelp is what Compile gives when the parameters of a script ask for --help, and it has no such parameter of its own.
type ScriptHelp struct{ Text string }

func (h *ScriptHelp) Error() string { return h.Text }

// Open compiles a script, loads it and attaches it. Mistakes in the script give an *Error with their places. What the script prints
// comes to Options.Sink while Run runs; Close ends all.
func Open(ctx context.Context, script string, opts Options) (*Session, error) {
	s, err := Compile(&source.Source{Name: cmp.Or(opts.Name, "script"), Text: []byte(script)}, opts)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s.Open(ctx, opts.Sink)
}

// Script is a compiled script, ready to be loaded.
type Script struct {
	bp   *codegen.Blueprint
	opts Options
}

// Compile compiles a script. The command of Options waits before its first instruction until the script is attached.
func Compile(src *source.Source, opts Options) (*Script, error) {
	s := &Script{opts: opts}
	if s.opts.Sink == nil {
		s.opts.Sink = output.Discard
	}
	if err := s.compile(src); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Script) compile(src *source.Source) error {
	lopts := &lang.Options{
		Params:     s.opts.Params,
		Named:      s.opts.Named,
		Environ:    s.opts.Environ,
		Unsafe:     s.opts.Unsafe,
		NoWarnings: s.opts.NoWarnings,
		Headers:    probes.Headers(s.opts.IncludeDirs, s.opts.Includes, s.opts.environment("KERNEL_SOURCE"), s.opts.environment("KERNEL_BUILD")),
		Imports:    imports.System(),
	}
	took := s.clock()
	file, diags := lang.Parse(src, lopts)
	took("parse")
	if diags.HasErrors() {
		diags = lang.CheckRest(file, src, diags, func() lang.Env { return s.machine(lopts) }, lopts)
	}
	if err := s.judge(src, diags); err != nil {
		return err
	}
	if err := s.dump("ast", func() { ast.Dump(s.opts.Dump.Writer, file) }); err != nil {
		return err
	}
	if err := s.prepare(lopts); err != nil {
		return err
	}
	took("look at the machine")
	checked, diags := lang.Check(file, src, s.opts.Env, lopts)
	took("check")
	if err := s.judge(src, diags); err != nil {
		return err
	}
	if checked.HelpAsked {
		return &ScriptHelp{Text: getopt.Help(checked.Options)}
	}
	if err := selection.Choose(checked, string(s.opts.Mode), s.opts.Filter); err != nil {
		return err
	}
	if err := s.dump("types", func() { lang.DumpTypes(s.opts.Dump.Writer, checked) }); err != nil {
		return err
	}
	defer took("generate")
	return s.generate(checked)
}

// clock tells Options.Took how long it is since the last stage ended.
func (s *Script) clock() (ended func(stage string)) {
	last := time.Now()
	return func(stage string) {
		now := time.Now()
		if s.opts.Took != nil {
			s.opts.Took(stage, now.Sub(last))
		}
		last = now
	}
}

// judge gives mistakes as an error, and tells warnings.
func (s *Script) judge(src *source.Source, diags source.Diagnostics) error {
	switch {
	case diags.HasErrors():
		return &Error{Diagnostics: diags, Source: src}
	case len(diags) > 0:
		return s.opts.Sink.Event(output.Warnings{Diagnostics: diags, Source: src})
	}
	return nil
}

// prepare makes what the checker asks: the environment, and the command.
func (s *Script) prepare(lopts *lang.Options) error {
	if s.opts.Dump == nil {
		if err := probes.CheckPrivileges(); err != nil {
			return err
		}
		if s.opts.Command != "" {
			child, err := StartChild(s.opts.Command)
			if err != nil {
				return err
			}
			s.opts.child, lopts.ChildPID = child, child.PID()
		}
	}
	return s.environment(lopts)
}

// machine is the environment for a script that is not going to run, nil if there is none to be had.
func (s *Script) machine(lopts *lang.Options) lang.Env {
	if s.opts.Dump == nil && probes.CheckPrivileges() != nil || s.environment(lopts) != nil {
		return nil
	}
	return s.opts.Env
}

// environment opens what the checker asks about the machine.
func (s *Script) environment(lopts *lang.Options) error {
	if s.opts.Env != nil {
		return nil
	}
	command := ""
	if s.opts.child != nil {
		command = s.opts.child.Path()
	}
	env, err := probes.NewEnv(probes.EnvOptions{PID: s.opts.PID, Child: lopts.ChildPID, Command: command, DebugInfo: s.opts.DebugInfo, Unsafe: s.opts.Unsafe,
		BTF: s.opts.environment("BTF"), Functions: s.opts.Functions, Without: s.opts.Without})
	s.opts.Env = env
	return err
}

// environment is a variable of ours or, if that is not set, of bpftrace's name.
func (o *Options) environment(name string) string {
	if o.Environ == nil {
		return ""
	}
	own, _ := o.Environ("GOTRACE_" + name)
	theirs, _ := o.Environ("BPFTRACE_" + name)
	return cmp.Or(own, theirs)
}

// generate makes the programs.
func (s *Script) generate(checked *lang.Checked) error {
	copts := &codegen.Options{FilterPID: s.opts.PID, Lookups: s.opts.Lookups}
	if s.shows("ir") {
		copts.Dump = func(stage string, p fmt.Stringer) { fmt.Fprintf(s.opts.Dump.Writer, "; %s\n%s\n", stage, p) }
	}
	bp, err := codegen.Compile(checked, s.opts.Env, copts)
	var limit *codegen.Error
	if errors.As(err, &limit) {
		d := source.Diagnostic{Span: limit.Span, Code: "limit", Message: limit.Message, Hint: limit.Hint}
		return &Error{Diagnostics: source.Diagnostics{d}, Source: checked.Source, Err: err}
	}
	if err != nil {
		return err
	}
	s.bp = bp
	err = s.dump("asm", func() {
		for _, p := range bp.Programs {
			fmt.Fprintf(s.opts.Dump.Writer, "; %s\n%v\n", p.Name, p.Insns)
		}
	})
	if s.opts.Dump != nil {
		return ErrDumped
	}
	return err
}

// shows says whether Options.Dump asks for a stage.
func (s *Script) shows(stage string) bool {
	return s.opts.Dump != nil && slices.Contains(s.opts.Dump.Stages, stage)
}

// stages are those of the compilation, in order.
var stages = []string{"ast", "types", "ir", "asm"}

// dump shows a stage if Options.Dump asks for it, and stops behind the last one.
func (s *Script) dump(stage string, show func()) error {
	if !s.shows(stage) {
		return nil
	}
	show()
	if slices.ContainsFunc(stages[slices.Index(stages, stage)+1:], s.shows) {
		return nil
	}
	return ErrDumped
}

// Open loads the script and attaches it; it can be done once. The end of ctx while programs are loaded is an error, context.Canceled. Later it stops
// loops of the script and the attaching; the session is opened all the same, and its Run then ends at once.
func (s *Script) Open(ctx context.Context, sink output.Sink) (*Session, error) {
	s.opts.Sink, s.opts.ctx = sink, ctx
	session, err := Load(s.bp, s.opts)
	s.opts.child = nil // the session's, which closes it
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, session.StopLoops)()
	if err := session.Attach(); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return session, nil
}

// Close ends the command of a script that was not opened.
func (s *Script) Close() error {
	if s.opts.child == nil {
		return nil
	}
	child := s.opts.child
	s.opts.child = nil
	return child.Close()
}
