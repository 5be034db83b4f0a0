package ast

import (
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/source"
)

// File is a whole script, in source order. It is never changed after parsing.
//
// The tags are participle's grammar; grammar.go has the productions whose form differs from their node's.
type File struct {
	source.Span
	CDefs  []*CDef    // #include, #define, struct, union and enum text, for the C front end
	Config []*Setting // config = { name = value; … }
	Items  []Item     `parser:"@@*"` // probes, map declarations, macros, imports
	// Bad are the probes with mistakes that leave nothing of them. Broken says that something else has one, so that the rest
	// means nothing either.
	Bad    []*BadItem
	Broken bool
}

// HasProbes says whether there is a probe in the script.
func (f *File) HasProbes() bool {
	return slices.ContainsFunc(f.Items, func(item Item) bool { _, ok := item.(*Probe); return ok })
}

// CDef is a run of C text at the head of a script, kept raw.
type CDef struct {
	source.Span
	Text string `parser:"@CDef"`
}

// Setting is one assignment of the config block. Value is an IntLit, StrLit, BoolLit or Ident.
type Setting struct {
	source.Span
	Name  string `parser:"@Ident '='"`
	Value Expr   `parser:"@@"`
}

// ConfigBlock is `config = { name = value; … }`.
type ConfigBlock struct {
	source.Span
	Settings []*Setting `parser:"'config' '=' '{' (@@ (?= ';' | '}') ';'?)* '}'"`
}

// BadItem stands for a top-level element with a mistake. Maps are those that it mentions.
type BadItem struct {
	source.Span
	Maps []string
}

// BadStmt stands for a statement with a mistake. Vars and Maps are what it mentions: it may have assigned something to them.
type BadStmt struct {
	source.Span
	Vars []*Var
	Maps []string
}

// Item is a top-level element: *Probe, *MapDecl, *Macro, *Func or *Import; while a script is parsed *CDef, *ConfigBlock and *BadItem, too.
type Item interface {
	source.Node
	item()
}

// Probe is `probes /filter/ { body }`.
type Probe struct {
	source.Span
	Points []*AttachPoint `parser:"@@ (',' @@?)*"`
	Filter Expr           `parser:"(FilterOpen @@ FilterClose)?"` // nil if there is none
	Body   *Block         `parser:"@@"`
}

// AttachPoint is one `provider:part:part` of a probe list, positional parameters already replaced.
type AttachPoint struct {
	source.Span
	Name     string   // the optional `name=` before the provider
	Provider string   // as written: "kprobe", "k", "BEGIN", …; may hold wildcards ("*:foo") when listing
	Parts    []string // what follows, split at ':' outside quotes, quotes removed
	Text     string   `parser:"@Attach"` // as written
}

// IsPattern says whether an attach point stands for all probes that match it.
func (ap *AttachPoint) IsPattern() bool {
	return slices.ContainsFunc(ap.Parts, func(part string) bool { return strings.ContainsAny(part, "*?[") })
}

// MapDecl is `let @name = kind(size);`.
type MapDecl struct {
	source.Span
	Name string // without the '@'
	Kind string // hash, lruhash, percpuhash, percpulruhash
	Size int64
}

// Macro is `macro name(params) { body }`.
type Macro struct {
	source.Span
	Name   string `parser:"'macro' @Ident"`
	Params []Expr `parser:"('(' (@@ (',' @@)*)? ')')?"` // *Ident, *Var or *MapRef
	Body   *Block `parser:"@@"`
}

// Import is `import "path";`.
type Import struct {
	source.Span
	Path string
}

// Func is `fn name($a : type, …) : type { body }`.
type Func struct {
	source.Span
	Name   string
	Params []*FuncParam
	Result *TypeName
	Body   *Block
}

// FuncParam is a parameter of a Func.
type FuncParam struct {
	source.Span
	Var  *Var
	Type *TypeName
}

func (*Probe) item()   {}
func (*MapDecl) item() {}
func (*Macro) item()   {}
func (*Import) item()  {}
func (*Func) item()    {}

func (*CDef) item()        {}
func (*ConfigBlock) item() {}
func (*BadItem) item()     {}

// Block is a statement list in braces. Where it is an expression, its value is that of a last
// ExprStmt without a semicolon.
type Block struct {
	source.Span
	Stmts []Stmt `parser:"('{' | AngleOpen) @@* ('}' | AngleClose)"`
}

// Stmt is a statement.
type Stmt interface {
	source.Node
	stmt()
}

type (
	// ExprStmt is an expression evaluated for its effect.
	ExprStmt struct {
		source.Span
		X Expr
		// NoSemi says that the statement was the last of its block and had no semicolon,
		// which makes it the block's value where the block is an expression.
		NoSemi bool
	}
	// Assign is `target op value`; Op is "=" or a compound operator such as "+=".
	// Target is a *Var, a *MapRef or, for `_ = x`, nil.
	Assign struct {
		source.Span
		Target Expr
		Op     string
		Value  Expr
	}
	// Let is `let $x`, `let $x: type` or either with `= value`.
	Let struct {
		source.Span
		Var   *Var
		Type  *TypeName // nil if none is given
		Value Expr      // nil if none is given
	}
	// If is `if (cond) {} else …`; Else is nil, a *Block or another *If.
	If struct {
		source.Span
		Cond Expr
		Then *Block
		Else Stmt
	}
	// While is `while (cond) {}`.
	While struct {
		source.Span
		Cond Expr   `parser:"'while' @@"`
		Body *Block `parser:"@@"`
	}
	// ForRange is `for ($i : start..end) {}`.
	ForRange struct {
		source.Span
		Var        *Var
		Start, End Expr
		Body       *Block
	}
	// ForMap is `for ($kv : @map) {}`.
	ForMap struct {
		source.Span
		Var  *Var
		Map  *MapRef
		Body *Block
	}
	// Unroll is `unroll (n) {}`.
	Unroll struct {
		source.Span
		Count Expr   `parser:"'unroll' @@"`
		Body  *Block `parser:"@@"`
	}
	// Branch is `break` or `continue`.
	Branch struct {
		source.Span
		Keyword string `parser:"@('break' | 'continue')"`
	}
	// Return is `return` with an optional value.
	Return struct {
		source.Span
		Value Expr `parser:"'return' @@?"` // nil if there is none
	}
)

func (*ExprStmt) stmt() {}
func (*Assign) stmt()   {}
func (*Let) stmt()      {}
func (*If) stmt()       {}
func (*While) stmt()    {}
func (*ForRange) stmt() {}
func (*ForMap) stmt()   {}
func (*Unroll) stmt()   {}
func (*Branch) stmt()   {}
func (*Return) stmt()   {}
func (*Block) stmt()    {}
func (*BadStmt) stmt()  {}
func (*Import) stmt()   {}

// TypeName is a type as written: `uint8`, `struct task_struct *`, `int32[4]`, `string[16]`.
type TypeName struct {
	source.Span
	Keyword string // "struct", "union", "enum" or ""
	Name    string // several words joined by one blank: "unsigned long"
	Stars   int    // levels of pointer
	Dims    []int  // array sizes, outermost first (the last one written); -1 for []
	Outer   int    // levels of pointer to the array: 1 for `int32[4]*`
	Of      Expr   // typeof(expr), with Keyword and Name empty; else nil
}

// IsString says whether a type is written as a string of no certain length.
func (n *TypeName) IsString() bool {
	return n.Keyword == "" && n.Name == "string" && n.Of == nil && n.Stars == 0 && len(n.Dims) == 0 && n.Outer == 0
}

// ValueBlock makes a block an expression. A block or a complete if at its end gives the value, as an
// expression there does.
func ValueBlock(b *Block) *BlockExpr {
	if n := len(b.Stmts); n > 0 {
		if x := stmtValue(b.Stmts[n-1]); x != nil {
			b.Stmts[n-1] = &ExprStmt{Span: x.Range(), X: x, NoSemi: true}
		}
	}
	return &BlockExpr{Span: b.Span, Body: b}
}

// stmtValue is the value of a block or an if as an expression, nil if it has none.
func stmtValue(s Stmt) Expr {
	switch s := s.(type) {
	case *Block:
		if hasValue(s) {
			return ValueBlock(s)
		}
	case *If:
		if hasValue(s) {
			return Choice(s)
		}
	}
	return nil
}

// hasValue says whether a statement at the end of a block gives the block's value.
func hasValue(s Stmt) bool {
	switch s := s.(type) {
	case *ExprStmt:
		return s.NoSemi
	case *Block:
		return len(s.Stmts) > 0 && hasValue(s.Stmts[len(s.Stmts)-1])
	case *If:
		return hasValue(s.Then) && s.Else != nil && hasValue(s.Else)
	}
	return false
}

// Choice makes an if with an else an expression.
func Choice(s *If) Expr {
	t := &Ternary{Span: s.Span, Cond: s.Cond, X: ValueBlock(s.Then)}
	if tail, ok := s.Else.(*If); ok {
		t.Y = Choice(tail)
	} else {
		t.Y = ValueBlock(s.Else.(*Block))
	}
	return t
}
