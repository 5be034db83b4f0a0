package ctypes

import (
	"fmt"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/types"
)

// C definitions at the head of a script are the types and constants that scripts need of their own: struct, union and enum
// definitions, #define, #include, and conditions around them. They are read in two steps, as C does it: the preprocessor
// (cdef_text.go, cdef_directive.go, cdef_macro.go, cdef_expand.go) makes tokens of a text, the parser (cdef_unit.go,
// cdef_parse.go) reads declarations from the tokens. A name means, in this order: what the script and its own headers
// define, a constant of the kernel's enums (BTF), a constant of the table of the kernel's interface (cdef_machine.go),
// what installed headers of the system define (cdef_system.go). The last two are looked into only for names that the others do not know.

// Types are C definitions: the script's own, or those of the system's headers.
type Types struct {
	structs  map[string]*types.Struct // "struct x" and "union x", also those that are only declared
	complete map[*types.Struct]bool   // of these, those that are defined, anonymous ones included
	open     map[*types.Struct]bool   // those whose members are being read
	fields   map[*types.Struct][]types.Field
	align    map[*types.Struct]int // alignment in bytes, which other structs that contain them need
	enums    map[string]types.Int
	consts   map[string]cConst // enumeration constants
	typedefs map[string]cType
	borrowed map[string]bool // tags of the machine's structs that a member has as its type
	defines  map[string]*CDefine

	kernel     *kernel.Kernel
	machine    func(keyword, name string) (types.Type, bool) // types of the machine
	EnumConst  func(name string) (types.Int, int64, bool)    // constants of the machine's enums
	headers    *Headers
	System     *cSystem // nil within headers of the system
	searchDirs []string // within headers of the system: where others of them are

	Conds   []*cCond        // open #if, #ifdef and #ifndef
	out     []CToken        // what the preprocessor has made of the text
	raw     []CToken        // tokens since the last directive
	files   []*cFile        // that are being read, the script first
	once    map[string]bool // paths of headers with #pragma once
	pack    []uint8         // #pragma pack; the last one holds
	made    int             // tokens that macros made
	maxMade int

	texts    map[string]string // headers by path
	includes int               // headers read, repeated ones counted
	read     int               // their bytes
	stopped  bool              // a limit is reached

	Fail func(err error) // takes mistakes; the text goes on behind them
}

// cConst is an enumeration constant.
type cConst struct {
	typ   types.Int
	value int64
}

// cType is a type with the alignment that C gives it, which an attribute can change.
type cType struct {
	types.Type
	align int
}

// Error is a mistake at a token of a definition.
type Error struct {
	At   CToken
	text string
	Hint string
}

func (e *Error) Error() string { return e.text }

// CErrorf is a mistake at a token.
func CErrorf(t CToken, format string, args ...any) error {
	return &Error{At: t, text: fmt.Sprintf(format, args...)}
}

// New returns empty definitions. machine finds types of the machine; headers may be nil.
func New(machine func(keyword, name string) (types.Type, bool), kernel *kernel.Kernel, headers *Headers) *Types {
	if headers == nil {
		headers = &Headers{}
	}
	return &Types{
		structs: map[string]*types.Struct{}, complete: map[*types.Struct]bool{}, open: map[*types.Struct]bool{},
		fields: map[*types.Struct][]types.Field{}, align: map[*types.Struct]int{}, enums: map[string]types.Int{},
		consts: map[string]cConst{}, typedefs: map[string]cType{}, borrowed: map[string]bool{}, defines: map[string]*CDefine{},
		kernel: kernel, machine: machine, headers: headers, once: map[string]bool{}, texts: map[string]string{}, maxMade: maxExpansion, Fail: func(error) {},
	}
}

// Script reads one definition or preprocessor line of the script.
func (c *Types) Script(d *ast.CDef) {
	f := &cFile{Text: d.Text, pos: d.Pos}
	c.files = append(c.files[:0], f)
	c.text(f)
	c.unit()
}

// Find is a type of the script or of the machine.
func (c *Types) Find(keyword, name string) (types.Type, bool) {
	if t, ok := c.Own(keyword, name); ok {
		return t, true
	}
	if keyword == "" {
		if t, ok := types.BaseTypes[name]; ok {
			return t, true
		}
	}
	if t, ok := c.machine(keyword, name); ok {
		return t, true
	}
	if c.System != nil {
		return c.System.find(keyword, name)
	}
	return nil, false
}

// Own is a type that the definitions have.
func (c *Types) Own(keyword, name string) (types.Type, bool) {
	switch keyword {
	case "struct", "union":
		s := c.structs[keyword+" "+name]
		return s, s != nil && c.complete[s]
	case "enum":
		t, ok := c.enums[name]
		return t, ok
	}
	t, ok := c.typedefs[name]
	if !ok {
		return nil, false
	}
	return c.settle(t.Type), true
}
