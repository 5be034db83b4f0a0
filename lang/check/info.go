package check

import (
	"fmt"
	"io"
	"sort"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/ctypes"
	"github.com/gotrace/gotrace/lang/getopt"
	"github.com/gotrace/gotrace/lang/imports"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Options are the settings of one compilation, from the command line and the script's config block.
type Options struct {
	Params     []string            // positional parameters $1…
	Named      []string            // named parameters, "name" or "name=value" each, for getopt()
	ChildPID   int                 // cpid: the process of -c, 0 if there is none
	MaxStrlen  int                 // bytes str() reads by default, the NUL included; 0 means the default, 64 … see config
	MaxMapKeys int                 // entries of a keyed map; 0 means 4096
	NoWarnings []string            // codes of warnings that are not told
	Unsafe     bool                // calls with side effects are allowed
	Headers    *ctypes.Headers     // where #include finds files; nil: there are none
	Imports    *imports.Files      // where import finds files; nil: there are none
	Environ    func(string) string // BPFTRACE_* and GOTRACE_* variables; nil means none
}

// Checked is a script that the checker has accepted: what the code generator reads.
type Checked struct {
	File     *ast.File
	Source   *source.Source
	Config   Config
	Maps     []*Map          // in order of first appearance
	Byname   map[string]*Map // by name without '@'
	Progs    []*Prog
	Settings []Setting // what `config` holds; nil if the script does not read it
	// Options are the named parameters that the script has; HelpAsked says that the command line asks for them.
	Options   []*getopt.Option
	HelpAsked bool
	// SeriesClock, if set, is a map that tseries() takes the time from. Tests set it by an environment variable.
	SeriesClock *Map
}

// Config is the effective configuration.
type Config struct {
	MaxStrlen       int
	MaxMapKeys      int
	PrintMapsOnExit bool
	StrTruncTrailer string
	MissingProbes   string // error, warn, ignore
	MaxProbes       int    // targets of all attach points
	MaxPrograms     int
	// MaxLoopIterations is how many iterations all loops of a run may do together; 0: by what an iteration costs.
	MaxLoopIterations int
	PerfRBPages       int    // 0: by memory
	MaxCatBytes       int    // that cat() shows of a file
	License           string // "GPL" unless set
	StackMode         string // one of types.StackModes
	DebugInfo         bool   // show files, lines and inlined functions in stacks
	UnstableTSeries   string // "error": tseries() is refused
	Demangle          bool   // show names of C++ and Rust as in the source
	// NoWarnings are the codes of warnings that are not told.
	NoWarnings []string
}

// Map is a map of the script with its types.
type Map struct {
	Name       string     // without '@'
	Pos        source.Pos // first appearance
	Key        types.Type // nil for a map without a key; a Tuple for several keys
	Value      types.Type // an Agg for aggregations
	MaxEntries int
	Kind       string // from a declaration: "hash", "lruhash", …; "" by default
}

// Prog is one eBPF program to make: a probe body for targets that see the same argument types.
// A probe gives several when its targets differ in their arguments, or when it uses `probe`.
type Prog struct {
	Probe   *ast.Probe
	Kind    *builtin.ProbeKind
	Targets []Target
	Args    *types.Struct // the args struct, nil if there is none
	Retval  types.Type    // type of retval where it is known
	// ProbeName is the text of the `probe` builtin; it is set, and all targets have that name, when the body uses it.
	ProbeName string
	// Dispatch is set for a program that stands for several tracepoints of system calls: its Kind is that of the raw tracepoint.
	Dispatch *Dispatch

	Types   map[ast.Expr]types.Type           // the type of every expression of the probe
	Consts  map[ast.Expr]types.Const          // the value of every constant expression
	Vars    map[*ast.Var]*Variable            // what each mention of a $variable stands for
	Results map[*ast.Func]types.Type          // the types of the values that they return
	Funcs   []*ast.Func                       // the functions of the script that it calls
	Infos   map[*ast.Typeinfo]*ast.RecordExpr // the value of each typeinfo()
}

// Variable is a scratch variable of one program.
type Variable struct {
	Name string
	Type types.Type
	Pos  source.Pos
	ID   int // unique in the program, in order of declaration
	// Captured says that a loop body (for over a range or map, while) deeper than the one that declares it uses it: it lives in memory.
	Captured bool
	// Addressed says that the script takes its address, or that of a part of it.
	Addressed bool
	Func      *ast.Func // the function of the script that it belongs to, nil for the probe's own
}

// Parts are what is compiled for a program: its filter, its body, and the bodies of the functions that it calls.
func (p *Prog) Parts() []source.Node {
	var parts []source.Node
	if p.Probe.Filter != nil {
		parts = append(parts, p.Probe.Filter)
	}
	parts = append(parts, p.Probe.Body)
	for _, f := range p.Funcs {
		parts = append(parts, f.Body)
	}
	return parts
}

// Variables are all variables of a program that are mentioned, in order of declaration.
func (p *Prog) Variables() []*Variable {
	seen := map[*Variable]bool{}
	var vars []*Variable
	for _, v := range p.Vars {
		if !seen[v] {
			seen[v] = true
			vars = append(vars, v)
		}
	}
	sort.Slice(vars, func(i, j int) bool { return vars[i].ID < vars[j].ID })
	return vars
}

// Callee is the function of the script that a call means, nil if it means another.
func (p *Prog) Callee(c *ast.Call) *ast.Func {
	for _, f := range p.Funcs {
		if f.Name == c.Name {
			return f
		}
	}
	return nil
}

// DumpTypes prints what the checker found out: the maps, and for each program its targets, variables, and the type and value of
// every expression. It is what -d types shows.
func DumpTypes(w io.Writer, c *Checked) {
	for _, m := range c.Maps {
		key := ""
		if m.Key != nil {
			key = "[" + m.Key.String() + "]"
		}
		fmt.Fprintf(w, "map @%s%s: %s, %d entries\n", m.Name, key, m.Value, m.MaxEntries)
	}
	for i, p := range c.Progs {
		fmt.Fprintf(w, "program %d: %s", i, p.Targets[0].Name)
		if n := len(p.Targets); n > 1 {
			fmt.Fprintf(w, " and %d more", n-1)
		}
		fmt.Fprintln(w)
		dumpVars(w, p)
		dumpExprs(w, p)
	}
}

func dumpVars(w io.Writer, p *Prog) {
	for _, v := range p.Variables() {
		shared := ""
		if v.Captured {
			shared = " (shared with a loop)"
		}
		fmt.Fprintf(w, "  var $%s: %v%s\n", v.Name, v.Type, shared)
	}
}

func dumpExprs(w io.Writer, p *Prog) {
	show := func(n source.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		t := p.Types[e]
		if t == nil {
			return true
		}
		value := ""
		if k, ok := p.Consts[e]; ok {
			if k.Str != nil {
				value = fmt.Sprintf(" = %q", *k.Str)
			} else {
				value = fmt.Sprintf(" = %d", int64(k.Int))
			}
		}
		fmt.Fprintf(w, "  %d:%d %s: %s%s\n", e.Range().Pos.Line, e.Range().Pos.Column, kindOf(e), t, value)
		return true
	}
	for _, part := range p.Parts() {
		ast.Inspect(part, show)
	}
}

// kindOf names the kind of an expression.
func kindOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Var:
		return "$" + e.Name
	case *ast.MapRef:
		return "@" + e.Name
	case *ast.Ident:
		return e.Name
	case *ast.Call:
		return e.Name + "()"
	case *ast.Binary:
		return "binary " + e.Op
	case *ast.Unary:
		return "unary " + e.Op
	case *ast.FieldExpr:
		return "." + e.Name
	}
	return fmt.Sprintf("%T", e)[len("*lang."):]
}
