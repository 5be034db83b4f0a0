package lang

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Pos is a place in a script: file name, byte offset, line and column (both from 1; the column counts bytes).
type Pos = lexer.Position

// Span is the source range [Start, End) that a node covers. Every node embeds it.
type Span struct {
	Pos    Pos
	EndPos Pos
}

// Range returns the span itself; it is how every node says where it stands.
func (s Span) Range() Span { return s }

// Node is any element of the syntax tree.
type Node interface{ Range() Span }

// File is a whole script, in source order. It is never changed after parsing.
//
// The tags are participle's grammar; grammar.go has the productions whose form differs from their node's.
type File struct {
	Span
	CDefs  []*CDef    // #include, #define, struct, union and enum text, for the C front end
	Config []*Setting // config = { name = value; … }
	Items  []Item     `parser:"@@*"` // probes, map declarations, macros, imports
}

// CDef is a run of C text at the head of a script, kept raw.
type CDef struct {
	Span
	Text string `parser:"@CDef"`
}

// Setting is one assignment of the config block. Value is an IntLit, StrLit, BoolLit or Ident.
type Setting struct {
	Span
	Name  string `parser:"@Ident '='"`
	Value Expr   `parser:"@@"`
}

// ConfigBlock is `config = { name = value; … }`.
type ConfigBlock struct {
	Span
	Settings []*Setting `parser:"'config' '=' '{' (@@ (?= ';' | '}') ';'?)* '}'"`
}

// BadItem stands for a top-level element with a mistake.
type BadItem struct{ Span }

// Item is a top-level element: *Probe, *MapDecl, *Macro, *Func or *Import; while a script is parsed *CDef, *ConfigBlock and *BadItem, too.
type Item interface {
	Node
	item()
}

// Probe is `probes /filter/ { body }`.
type Probe struct {
	Span
	Points []*AttachPoint `parser:"@@ (',' @@?)*"`
	Filter Expr           `parser:"(FilterOpen @@ FilterClose)?"` // nil if there is none
	Body   *Block         `parser:"@@"`
}

// AttachPoint is one `provider:part:part` of a probe list, positional parameters already replaced.
type AttachPoint struct {
	Span
	Name     string   // the optional `name=` before the provider
	Provider string   // as written: "kprobe", "k", "BEGIN", …; may hold wildcards ("*:foo") when listing
	Parts    []string // what follows, split at ':' outside quotes, quotes removed
	Text     string   `parser:"@Attach"` // as written
}

// isPattern says whether an attach point stands for all probes that match it.
func (ap *AttachPoint) isPattern() bool {
	return slices.ContainsFunc(ap.Parts, func(part string) bool { return strings.ContainsAny(part, "*?[") })
}

// MapDecl is `let @name = kind(size);`.
type MapDecl struct {
	Span
	Name string // without the '@'
	Kind string // hash, lruhash, percpuhash, percpulruhash
	Size int64
}

// Macro is `macro name(params) { body }`.
type Macro struct {
	Span
	Name   string `parser:"'macro' @Ident"`
	Params []Expr `parser:"('(' (@@ (',' @@)*)? ')')?"` // *Ident, *Var or *MapRef
	Body   *Block `parser:"@@"`
}

// Import is `import "path";`.
type Import struct {
	Span
	Path string
}

// Func is `fn name($a : type, …) : type { body }`.
type Func struct {
	Span
	Name   string
	Params []*FuncParam
	Result *TypeName
	Body   *Block
}

// FuncParam is a parameter of a Func.
type FuncParam struct {
	Span
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
	Span
	Stmts []Stmt `parser:"('{' | AngleOpen) @@* ('}' | AngleClose)"`
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

type (
	// ExprStmt is an expression evaluated for its effect.
	ExprStmt struct {
		Span
		X Expr
		// NoSemi says that the statement was the last of its block and had no semicolon,
		// which makes it the block's value where the block is an expression.
		NoSemi bool
	}
	// Assign is `target op value`; Op is "=" or a compound operator such as "+=".
	// Target is a *Var, a *MapRef or, for `_ = x`, nil.
	Assign struct {
		Span
		Target Expr
		Op     string
		Value  Expr
	}
	// Let is `let $x`, `let $x: type` or either with `= value`.
	Let struct {
		Span
		Var   *Var
		Type  *TypeName // nil if none is given
		Value Expr      // nil if none is given
	}
	// If is `if (cond) {} else …`; Else is nil, a *Block or another *If.
	If struct {
		Span
		Cond Expr
		Then *Block
		Else Stmt
	}
	// While is `while (cond) {}`.
	While struct {
		Span
		Cond Expr   `parser:"'while' @@"`
		Body *Block `parser:"@@"`
	}
	// ForRange is `for ($i : start..end) {}`.
	ForRange struct {
		Span
		Var        *Var
		Start, End Expr
		Body       *Block
	}
	// ForMap is `for ($kv : @map) {}`.
	ForMap struct {
		Span
		Var  *Var
		Map  *MapRef
		Body *Block
	}
	// Unroll is `unroll (n) {}`.
	Unroll struct {
		Span
		Count Expr   `parser:"'unroll' @@"`
		Body  *Block `parser:"@@"`
	}
	// Branch is `break` or `continue`.
	Branch struct {
		Span
		Keyword string `parser:"@('break' | 'continue')"`
	}
	// Return is `return` with an optional value.
	Return struct {
		Span
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
func (*Import) stmt()   {}

// Expr is an expression. Nodes are pointers, so that side tables can be keyed by them.
type Expr interface {
	Node
	expr()
}

type (
	// IntLit is an integer literal of any form; durations are in nanoseconds.
	IntLit struct {
		Span
		Text  string
		Value uint64
	}
	// StrLit is a string literal, escapes resolved. It may hold any byte.
	StrLit struct {
		Span
		Value string
	}
	// BoolLit is true or false.
	BoolLit struct {
		Span
		Value bool
	}
	// Ident is a bare name: a builtin, an enum constant, a macro.
	Ident struct {
		Span
		Name string
	}
	// Var is a scratch variable, named without its '$'.
	Var struct {
		Span
		Name string `parser:"@Var"`
	}
	// MapRef is `@name` or `@name[keys]`, named without its '@'. Indexed tells `@x` from `@x[…]`.
	MapRef struct {
		Span
		Name    string
		Keys    []Expr // one for a single key or a tuple expression; several for `@x[a, b]`
		Indexed bool
	}
	// Param is a positional parameter `$1`; N is 0 for `$#`.
	Param struct {
		Span
		N int
	}
	// Unary is a prefix operator: - ! ~ * & +.
	Unary struct {
		Span
		Op string
		X  Expr
	}
	// IncDec is ++ or --; Target is a *Var or a *MapRef.
	IncDec struct {
		Span
		Op     string
		Prefix bool
		Target Expr
	}
	// Binary is a left-associative infix operator.
	Binary struct {
		Span
		Op    string
		OpPos Pos
		X, Y  Expr
	}
	// Ternary is `cond ? x : y`. For `cond ?: y`, X is the same node as Cond. An if statement in the
	// place of an expression is a Ternary of two BlockExprs.
	Ternary struct {
		Span
		Cond, X, Y Expr
	}
	// Cast is `(type)x`.
	Cast struct {
		Span
		Type *TypeName
		X    Expr
	}
	// FieldExpr is `x.name` or `x->name`; the two mean the same for pointers, as in bpftrace.
	FieldExpr struct {
		Span
		X     Expr
		Name  string
		Arrow bool
	}
	// TupleIndex is `x.0`.
	TupleIndex struct {
		Span
		X Expr
		N int
	}
	// Index is `x[i]` on an array or a pointer.
	Index struct {
		Span
		X, I Expr
	}
	// Call is `name(args)`.
	Call struct {
		Span
		Name string
		Args []Expr
	}
	// TupleExpr is `(a, b)`, with at least two elements, or one and a trailing comma, or none.
	TupleExpr struct {
		Span
		Elems []Expr
	}
	// Sizeof is sizeof(type) or sizeof(expr): one of the two is set.
	Sizeof struct {
		Span
		Type *TypeName
		X    Expr
	}
	// Offsetof is offsetof(type, field.path) or offsetof(expr, field.path).
	Offsetof struct {
		Span
		Type   *TypeName
		X      Expr
		Fields []string
	}
	// RecordExpr is `(name = x, …)`; Names and Elems go together.
	RecordExpr struct {
		Span
		Names []string
		Elems []Expr
	}
	// TypeExpr is a type handed to a macro: `typeof(uint64)` or `typeof(expr)` as an argument.
	TypeExpr struct {
		Span
		Type *TypeName
	}
	// Typeinfo is typeinfo(type) or typeinfo(expr): one of the two is set.
	Typeinfo struct {
		Span
		Type *TypeName
		X    Expr
	}
	// Comptime is `comptime x`: x must be known at compile time.
	Comptime struct {
		Span
		X Expr
	}
	// BlockExpr is `{ …; value }` used as an expression.
	BlockExpr struct {
		Span
		Body *Block
	}
)

func (*IntLit) expr()     {}
func (*StrLit) expr()     {}
func (*BoolLit) expr()    {}
func (*Ident) expr()      {}
func (*Var) expr()        {}
func (*MapRef) expr()     {}
func (*Param) expr()      {}
func (*Unary) expr()      {}
func (*IncDec) expr()     {}
func (*Binary) expr()     {}
func (*Ternary) expr()    {}
func (*Cast) expr()       {}
func (*FieldExpr) expr()  {}
func (*TupleIndex) expr() {}
func (*Index) expr()      {}
func (*Call) expr()       {}
func (*TupleExpr) expr()  {}
func (*Sizeof) expr()     {}
func (*Offsetof) expr()   {}
func (*RecordExpr) expr() {}
func (*TypeExpr) expr()   {}
func (*Typeinfo) expr()   {}
func (*Comptime) expr()   {}
func (*BlockExpr) expr()  {}

// TypeName is a type as written: `uint8`, `struct task_struct *`, `int32[4]`, `string[16]`.
type TypeName struct {
	Span
	Keyword string // "struct", "union", "enum" or ""
	Name    string // several words joined by one blank: "unsigned long"
	Stars   int    // levels of pointer
	Dims    []int  // array sizes, outermost first (the last one written); -1 for []
	Outer   int    // levels of pointer to the array: 1 for `int32[4]*`
	Of      Expr   // typeof(expr), with Keyword and Name empty; else nil
}
