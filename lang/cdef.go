package lang

import (
	"errors"
	"fmt"
)

// C definitions at the head of a script are the types and constants that scripts need of their own: struct, union and enum
// definitions, #define, #include, and conditions around them. They are read in two steps, as C does it: the preprocessor
// (cdef_text.go, cdef_directive.go, cdef_macro.go, cdef_expand.go) makes tokens of a text, the parser (cdef_unit.go,
// cdef_parse.go) reads declarations from the tokens. A name means, in this order: what the script and its own headers
// define, a constant of the kernel's enums (BTF), a constant of the table of the kernel's interface (cdef_machine.go),
// what installed headers of the system define (cdef_system.go). The last two are looked into only for names that the others do not know.

// cTypes are C definitions: the script's own, or those of the system's headers.
type cTypes struct {
	structs  map[string]*Struct // "struct x" and "union x", also those that are only declared
	complete map[*Struct]bool   // of these, those that are defined, anonymous ones included
	open     map[*Struct]bool   // those whose members are being read
	fields   map[*Struct][]Field
	align    map[*Struct]int // alignment in bytes, which other structs that contain them need
	enums    map[string]Int
	consts   map[string]cConst // enumeration constants
	typedefs map[string]cType
	borrowed map[string]bool // tags of the machine's structs that a member has as its type
	defines  map[string]*cDefine

	kernel     *Kernel
	machine    func(keyword, name string) (Type, bool) // types of the machine
	enumConst  func(name string) (Int, int64, bool)    // constants of the machine's enums
	headers    *Headers
	system     *cSystem // nil within headers of the system
	searchDirs []string // within headers of the system: where others of them are
	scriptName string

	conds   []*cCond        // open #if, #ifdef and #ifndef
	out     []cToken        // what the preprocessor has made of the text
	raw     []cToken        // tokens since the last directive
	files   []*cFile        // that are being read, the script first
	once    map[string]bool // paths of headers with #pragma once
	pack    []uint8         // #pragma pack; the last one holds
	made    int             // tokens that macros made
	maxMade int

	texts    map[string]string // headers by path
	includes int               // headers read, repeated ones counted
	read     int               // their bytes
	stopped  bool              // a limit is reached

	fail func(err error) // takes mistakes; the text goes on behind them
}

// cConst is an enumeration constant.
type cConst struct {
	typ   Int
	value int64
}

// cType is a type with the alignment that C gives it, which an attribute can change.
type cType struct {
	Type
	align int
}

// cError is a mistake at a token of a definition.
type cError struct {
	at   cToken
	text string
	hint string
}

func (e *cError) Error() string { return e.text }

func cErrorf(t cToken, format string, args ...any) error {
	return &cError{at: t, text: fmt.Sprintf(format, args...)}
}

func newCTypes(machine func(keyword, name string) (Type, bool), kernel *Kernel, headers *Headers) *cTypes {
	if headers == nil {
		headers = &Headers{}
	}
	return &cTypes{
		structs: map[string]*Struct{}, complete: map[*Struct]bool{}, open: map[*Struct]bool{},
		fields: map[*Struct][]Field{}, align: map[*Struct]int{}, enums: map[string]Int{},
		consts: map[string]cConst{}, typedefs: map[string]cType{}, borrowed: map[string]bool{}, defines: map[string]*cDefine{},
		kernel: kernel, machine: machine, headers: headers, once: map[string]bool{}, texts: map[string]string{}, maxMade: maxExpansion, fail: func(error) {},
	}
}

// definitions reads all C definitions of the script.
func (c *checker) definitions() {
	c.c = newCTypes(c.env.Type, c.env.Kernel(), c.opts.Headers)
	c.c.enumConst = c.env.EnumConst
	c.c.system = newCSystem(c.c)
	if src := c.out.Source; src != nil && src.Name != "stdin" {
		c.c.scriptName = src.Name
	}
	c.c.fail = func(err error) { c.diags = append(c.diags, c.definitionError(err)) }
	c.c.includeOptions()
	for _, d := range c.file.CDefs {
		c.c.script(d)
	}
	for _, open := range c.c.conds {
		c.c.fail(cErrorf(open.at, "this #%s has no #endif", open.at.text))
	}
}

// script reads one definition or preprocessor line of the script.
func (c *cTypes) script(d *CDef) {
	f := &cFile{text: d.Text, pos: d.Pos}
	c.files = append(c.files[:0], f)
	c.text(f)
	c.unit()
}

// definitionError puts a mistake at its place, which can be in a header.
func (c *checker) definitionError(err error) Diagnostic {
	var place *cError
	if !errors.As(err, &place) || place.at.file == nil {
		return Errorf(Span{}, "c-definition", "%v", err)
	}
	f := place.at.file
	start, end := place.at.offset, place.at.offset+len(place.at.text)
	at := Span{Pos: f.position(start), EndPos: f.position(end)}
	d := Errorf(at, "c-definition", "%v", err)
	if place.hint != "" {
		d = d.WithHint("%s", place.hint)
	}
	if f.name == "" {
		return d
	}
	d.In = &Source{Name: f.name, Text: []byte(f.text)}
	if by := f.by.file; by != nil && d.Hint == "" {
		p := by.position(f.by.offset)
		name := by.name
		if name == "" {
			name = c.out.Source.nameOf()
		}
		d = d.WithHint("%s is included at %s:%d:%d", f.name, name, p.Line, p.Column)
	}
	return d
}

// find is a type of the script or of the machine.
func (c *cTypes) find(keyword, name string) (Type, bool) {
	if t, ok := c.own(keyword, name); ok {
		return t, true
	}
	if keyword == "" {
		if t, ok := baseTypes[name]; ok {
			return t, true
		}
	}
	if t, ok := c.machine(keyword, name); ok {
		return t, true
	}
	if c.system != nil {
		return c.system.find(keyword, name)
	}
	return nil, false
}

// own is a type that the definitions have.
func (c *cTypes) own(keyword, name string) (Type, bool) {
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
