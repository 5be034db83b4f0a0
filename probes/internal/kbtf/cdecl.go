package kbtf

import (
	"fmt"
	"strings"
)

// maxDepth bounds chains of types that refer to each other, which broken BTF could make endless.
const maxDepth = 32

// maxMembers bounds the members that a definition shows, which anonymous types within each other could make endless, too.
const maxMembers = 1 << 16

// C returns a type as C writes it: "struct file *", "const char *", "void (*)(int, char **)".
func (f *File) C(id ID) string { return (&declarer{file: f}).declare(id, "", 0) }

// Definition returns a struct, union or enum as C defines it, with tabs and without a semicolon at its end: "struct path {\n\t…\n}".
// Members of anonymous types are written out.
func (f *File) Definition(id ID) (string, error) {
	t, err := f.Type(id)
	if err != nil {
		return "", err
	}
	d := &declarer{file: f, expand: true, left: maxMembers}
	text := d.define(t, 0)
	return text, d.err
}

// declarer writes declarations.
type declarer struct {
	file   *File
	expand bool // anonymous structs, unions and enums are written out
	indent int
	left   int  // members that may still be written
	params *int // parameters that may still be written, of all functions; nil: maxParams
	err    error
}

// A declaration has no more parameters, of all functions in it, and no more bytes: those of a broken file are a function of functions of functions.
const (
	maxParams = 10_000
	maxText   = 1 << 16
)

// declare returns the declaration of what decl says (a name with its stars and brackets) as being of a type.
func (d *declarer) declare(id ID, decl string, depth int) string {
	if id == 0 {
		return join("void", decl)
	}
	t, err := d.file.Type(id)
	if err != nil || depth > maxDepth {
		return join("?", decl)
	}
	if len(decl) > maxText {
		return "?"
	}
	switch t.Kind {
	case KindPtr:
		if strings.HasPrefix(decl, "(") {
			decl = " " + decl // a function's, or an array's, apart as libbpf writes it
		}
		decl = "*" + decl
		if d.file.binds(t.Ref) {
			decl = "(" + decl + ")"
		}
		return d.declare(t.Ref, decl, depth+1)
	case KindArray:
		return d.declare(t.Ref, fmt.Sprintf("%s[%d]", decl, t.Len), depth+1)
	case KindFuncProto:
		return d.declare(t.Ref, decl+"("+d.paramList(t, depth+1)+")", depth+1)
	case KindConst, KindVolatile, KindRestrict:
		return d.qualify(t, decl, depth+1)
	case KindTypeTag:
		return d.declare(t.Ref, decl, depth+1)
	}
	if d.expand && t.Name == "" && (t.Kind == KindStruct || t.Kind == KindUnion || t.Kind == KindEnum || t.Kind == KindEnum64) {
		return join(d.define(t, depth+1), decl)
	}
	return join(baseName(t), decl)
}

// define writes a struct, union or enum out.
func (d *declarer) define(t *Type, depth int) string {
	var s strings.Builder
	s.WriteString(strings.TrimSuffix(baseName(t), "{...}"))
	if t.Name != "" {
		s.WriteByte(' ')
	}
	s.WriteString("{\n")
	d.indent++
	for _, line := range d.body(t, depth) {
		s.WriteString(strings.Repeat("\t", d.indent) + line + "\n")
	}
	d.indent--
	s.WriteString(strings.Repeat("\t", d.indent) + "}")
	return s.String()
}

// body is the members of a struct or union, or the constants of an enum.
func (d *declarer) body(t *Type, depth int) (lines []string) {
	values, err := t.Values()
	d.fail(err)
	for _, v := range values {
		if !d.take() {
			return lines
		}
		lines = append(lines, v.Name+" = "+enumValue(t, v.Value)+",")
	}
	members, err := t.Members()
	d.fail(err)
	for _, m := range members {
		if !d.take() {
			return lines
		}
		line := d.declare(m.Type, m.Name, depth)
		if m.Bits > 0 {
			line += fmt.Sprintf(": %d", m.Bits)
		}
		lines = append(lines, line+";")
	}
	return lines
}

// enumValue is a constant, which needs a suffix where an int does not hold it.
func enumValue(t *Type, n int64) string {
	switch {
	case t.Kind == KindEnum64 && t.Flag:
		return fmt.Sprintf("%dLL", n)
	case t.Kind == KindEnum64:
		return fmt.Sprintf("%dULL", uint64(n))
	}
	return fmt.Sprint(n)
}

// take says whether another member may be written.
func (d *declarer) take() bool {
	if d.left--; d.left < 0 {
		d.fail(fmt.Errorf("%w: a type of more than %d members", ErrFormat, maxMembers))
	}
	return d.err == nil
}

func (d *declarer) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// binds says whether a type's brackets would bind tighter than a pointer's star.
func (f *File) binds(id ID) bool {
	t, err := f.Type(id)
	return id != 0 && err == nil && (t.Kind == KindArray || t.Kind == KindFuncProto)
}

func (d *declarer) qualify(t *Type, decl string, depth int) string {
	word := map[Kind]string{KindConst: "const", KindVolatile: "volatile", KindRestrict: "restrict"}[t.Kind]
	if to, err := d.file.Type(t.Ref); t.Ref != 0 && err == nil && to.Kind == KindPtr {
		return d.declare(t.Ref, " "+join(word, decl), depth)
	}
	return word + " " + d.declare(t.Ref, decl, depth)
}

func (d *declarer) paramList(proto *Type, depth int) string {
	params, err := proto.Params()
	if err != nil || len(params) == 0 {
		return "void"
	}
	if d.params == nil {
		d.params = new(int)
		*d.params = maxParams
	}
	left := d.params
	names := &declarer{file: d.file, params: left}
	out := make([]string, len(params))
	for i, p := range params {
		out[i] = "..."
		if *left--; *left < 0 {
			return strings.Join(out[:i+1], ", ")
		}
		if p.Type != 0 || p.Name != "" {
			out[i] = names.declare(p.Type, "", depth)
		}
	}
	return strings.Join(out, ", ")
}

func join(a, b string) string {
	if b = strings.TrimLeft(b, " "); b == "" {
		return a
	}
	return a + " " + b
}

// baseName is the name of a type that no other type is part of.
func baseName(t *Type) string {
	word := ""
	switch t.Kind {
	case KindStruct:
		word = "struct "
	case KindUnion:
		word = "union "
	case KindEnum, KindEnum64:
		word = "enum "
	case KindFwd:
		word = "struct "
		if t.Flag {
			word = "union "
		}
	}
	if t.Name == "" {
		return word + "{...}"
	}
	return word + t.Name
}
