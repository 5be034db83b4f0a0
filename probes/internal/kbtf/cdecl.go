package kbtf

import (
	"fmt"
	"strings"
)

// maxDepth bounds chains of types that refer to each other, which broken BTF could make endless.
const maxDepth = 32

// C returns a type as C writes it: "struct file *", "const char *", "void (*)(int, char **)".
func (f *File) C(id ID) string { return f.declare(id, "", 0) }

// declare returns the declaration of what decl says (a name with its stars and brackets) as being of a type.
func (f *File) declare(id ID, decl string, depth int) string {
	if id == 0 {
		return join("void", decl)
	}
	t, err := f.Type(id)
	if err != nil || depth > maxDepth {
		return join("?", decl)
	}
	switch t.Kind {
	case KindPtr:
		decl = "*" + decl
		if f.binds(t.Ref) {
			decl = "(" + decl + ")"
		}
		return f.declare(t.Ref, decl, depth+1)
	case KindArray:
		return f.declare(t.Ref, fmt.Sprintf("%s[%d]", decl, t.Len), depth+1)
	case KindFuncProto:
		return f.declare(t.Ref, decl+"("+f.paramList(t, depth+1)+")", depth+1)
	case KindConst, KindVolatile, KindRestrict:
		return f.qualify(t, decl, depth+1)
	case KindTypeTag:
		return f.declare(t.Ref, decl, depth+1)
	}
	return join(baseName(t), decl)
}

// binds says whether a type's brackets would bind tighter than a pointer's star.
func (f *File) binds(id ID) bool {
	t, err := f.Type(id)
	return id != 0 && err == nil && (t.Kind == KindArray || t.Kind == KindFuncProto)
}

func (f *File) qualify(t *Type, decl string, depth int) string {
	word := map[Kind]string{KindConst: "const", KindVolatile: "volatile", KindRestrict: "restrict"}[t.Kind]
	if to, err := f.Type(t.Ref); t.Ref != 0 && err == nil && to.Kind == KindPtr {
		return f.declare(t.Ref, " "+join(word, decl), depth)
	}
	return word + " " + f.declare(t.Ref, decl, depth)
}

func (f *File) paramList(proto *Type, depth int) string {
	params, err := proto.Params()
	if err != nil || len(params) == 0 {
		return "void"
	}
	out := make([]string, len(params))
	for i, p := range params {
		out[i] = "..."
		if p.Type != 0 || p.Name != "" {
			out[i] = f.declare(p.Type, "", depth)
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
