package lang

import (
	"errors"
	"fmt"
)

// C definitions at the head of a script are the types that scripts need of their own: struct, union and enum
// definitions, #define of constants, and conditions around them. #include lines bring no types: the kernel's
// come from BTF, without headers. What goes beyond that gets a message that names it.

// cTypes are the script's own C definitions.
type cTypes struct {
	structs map[string]*Struct // "struct x" and "union x"
	align   map[*Struct]int    // alignment in bytes, which other structs that contain them need
	enums   map[string]Int
	consts  map[string]cConst // enumeration constants
	defines map[string]*cDefine
	lookup  func(keyword, name string) (Type, bool) // types of the machine
	skip    []bool                                  // for each open #if: its lines are left out
}

// cConst is an enumeration constant.
type cConst struct {
	typ   Int
	value int64
}

// cDefine is what #define stands for.
type cDefine struct {
	tokens []cToken
	call   bool // it takes arguments
}

// cError is a mistake at a token of a definition.
type cError struct {
	offset int
	text   string
}

func (e *cError) Error() string { return e.text }

func cErrorf(t cToken, format string, args ...any) error {
	return &cError{offset: t.offset, text: fmt.Sprintf(format, args...)}
}

func newCTypes(lookup func(keyword, name string) (Type, bool), btf bool) *cTypes {
	c := &cTypes{
		structs: map[string]*Struct{}, align: map[*Struct]int{}, enums: map[string]Int{},
		consts: map[string]cConst{}, defines: map[string]*cDefine{}, lookup: lookup,
	}
	if btf {
		// Scripts ask for it to leave out what BTF gives them.
		c.defines["BPFTRACE_HAVE_BTF"] = &cDefine{tokens: []cToken{{kind: cInt, text: "1", value: 1}}}
	}
	return c
}

// definitions reads all C definitions of the script.
func (c *checker) definitions() {
	c.c = newCTypes(c.env.Type, len(c.file.CDefs) > 0 && c.env.Kernel().BTF)
	for _, d := range c.file.CDefs {
		err := c.c.define(d.Text)
		if err == nil {
			continue
		}
		at := *d
		var place *cError
		if errors.As(err, &place) {
			at.Pos = advance(d.Pos, d.Text[:min(place.offset, len(d.Text))])
			at.EndPos = at.Pos
		}
		c.diags = append(c.diags, Errorf(&at, "c-definition", "%v", err))
	}
	if n := len(c.c.skip); n > 0 {
		last := c.file.CDefs[len(c.file.CDefs)-1]
		c.diags = append(c.diags, Errorf(last, "c-definition", "an #if has no #endif"))
	}
}

// advance is the position after a text that begins at a position.
func advance(p Pos, text string) Pos {
	for i := range len(text) {
		p.Offset++
		p.Column++
		if text[i] == '\n' {
			p.Line++
			p.Column = 1
		}
	}
	return p
}

// skipping says whether an #if leaves out what comes now.
func (c *cTypes) skipping() bool {
	for _, s := range c.skip {
		if s {
			return true
		}
	}
	return false
}

// define reads one definition or preprocessor line.
func (c *cTypes) define(text string) error {
	tokens, err := cTokens(text)
	if err != nil {
		return err
	}
	if len(tokens) > 1 && tokens[0].is("#") {
		return c.directive(tokens[1:])
	}
	if c.skipping() || len(tokens) < 2 {
		return nil
	}
	p := &cParser{cTypes: c, tokens: c.expand(tokens)}
	_, err = p.specifier()
	if err == nil {
		p.accept(";")
		if t := p.peek(); t.kind != cEnd {
			err = cErrorf(t, "a definition ends before %s", t)
		}
	}
	return err
}

// find is a type of the script or of the machine.
func (c *cTypes) find(keyword, name string) (Type, bool) {
	switch keyword {
	case "struct", "union":
		if s := c.structs[keyword+" "+name]; s != nil {
			return s, true
		}
	case "enum":
		if t, ok := c.enums[name]; ok {
			return t, true
		}
	case "":
		if t, ok := baseTypes[name]; ok {
			return t, true
		}
	}
	return c.lookup(keyword, name)
}
