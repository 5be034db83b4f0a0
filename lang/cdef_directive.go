package lang

import "strings"

// cCond is an open #if, #ifdef or #ifndef.
type cCond struct {
	at    cToken
	off   bool // the lines here are left out
	taken bool // one of its branches was taken
	last  bool // #else was there
	outer bool // a condition around it leaves everything out
	files int  // headers around it
}

// skipping says whether an #if leaves out what comes now.
func (c *cTypes) skipping() bool { return len(c.conds) > 0 && c.conds[len(c.conds)-1].off }

// directive reads a preprocessor line, after its '#'. end is the end of the line.
func (c *cTypes) directive(t []cToken, end int) error {
	name, rest := t[0].text, t[1:]
	switch name {
	case "if", "ifdef", "ifndef":
		return c.openCond(t[0], rest)
	case "elif", "elifdef", "elifndef", "else", "endif":
		return c.branch(t[0], rest)
	}
	if c.skipping() {
		return nil
	}
	switch name {
	case "include", "include_next":
		return c.include(t[0], rest, end)
	case "define":
		return c.define(t[0], rest)
	case "undef":
		if len(rest) > 0 {
			c.defines[rest[0].text] = &cDefine{undefined: true}
		}
		return nil
	case "error":
		f := t[0].file
		return cErrorf(t[0], "#error %s", strings.TrimSpace(f.text[t[0].end().offset:end]))
	case "pragma":
		c.pragma(rest)
		return nil
	case "warning", "line", "ident", "sccs", "assert", "unassert":
		return nil
	}
	if t[0].kind == cNumber { // a line number of a preprocessor's output
		return nil
	}
	return cErrorf(t[0], "#%s is not supported", name)
}

// openCond begins an #if.
func (c *cTypes) openCond(at cToken, rest []cToken) error {
	cond := &cCond{at: at, off: true, outer: c.skipping(), files: len(c.files)}
	c.conds = append(c.conds, cond)
	if cond.outer {
		return nil
	}
	holds, err := c.holds(at, strings.TrimPrefix(at.text, "if"), rest)
	cond.off, cond.taken = !holds, holds || err != nil
	return err
}

// branch continues or ends an #if.
func (c *cTypes) branch(at cToken, rest []cToken) error {
	n := len(c.conds)
	if n == 0 || c.conds[n-1].files != len(c.files) {
		return cErrorf(at, "#%s has no #if", at.text)
	}
	cond := c.conds[n-1]
	if at.text == "endif" {
		c.conds = c.conds[:n-1]
		return nil
	}
	if cond.last {
		return cErrorf(at, "#%s comes after #else", at.text)
	}
	cond.last = at.text == "else"
	cond.off = true
	if cond.outer || cond.taken {
		return nil
	}
	holds, err := true, error(nil)
	if !cond.last {
		holds, err = c.holds(at, strings.TrimPrefix(at.text, "elif"), rest)
	}
	cond.off, cond.taken = !holds, holds || err != nil
	return err
}

// holds says whether a condition holds: an expression, "def" or "ndef".
func (c *cTypes) holds(at cToken, kind string, rest []cToken) (bool, error) {
	if len(rest) == 0 {
		return false, cErrorf(at, "#%s needs a condition", at.text)
	}
	if kind != "" {
		if rest[0].kind != cWord {
			return false, cErrorf(rest[0], "#%s needs a name", at.text)
		}
		return c.isDefined(rest[0].text) != (kind == "ndef"), nil
	}
	tokens, err := c.resolveDefined(rest)
	if err != nil {
		return false, err
	}
	if tokens, err = c.expand(tokens); err != nil {
		return false, err
	}
	v, err := c.constant(tokens, cInIf)
	return v != 0, err
}

// resolveDefined puts 1 or 0 for what asks for macros and headers and is never expanded itself.
func (c *cTypes) resolveDefined(in []cToken) ([]cToken, error) {
	var out []cToken
	for i := 0; i < len(in); i++ {
		t := in[i]
		ask := cQuestions[t.text]
		if ask == nil || t.kind != cWord || c.defines[t.text] != nil {
			out = append(out, t)
			continue
		}
		var arg []cToken
		switch {
		case i+1 < len(in) && in[i+1].is("("):
			end := i + 2
			for depth := 1; end < len(in); end++ {
				if in[end].is("(") {
					depth++
				} else if in[end].is(")") {
					if depth--; depth == 0 {
						break
					}
				}
			}
			if end >= len(in) {
				return nil, cErrorf(in[i+1], "this '(' is never closed")
			}
			arg, i = in[i+2:end], end
		case i+1 < len(in) && t.text == "defined":
			arg, i = in[i+1:i+2], i+1
		}
		if len(arg) == 0 {
			return nil, cErrorf(t, "%s needs a name", t.text)
		}
		number := "0"
		if ask(c, arg) {
			number = "1"
		}
		out = append(out, cToken{kind: cNumber, text: number, file: t.file, offset: t.offset})
	}
	return out, nil
}

// cQuestions are the operators of #if that are answered before macros are expanded.
var cQuestions map[string]func(c *cTypes, arg []cToken) bool

func init() {
	no := func(*cTypes, []cToken) bool { return false }
	cQuestions = map[string]func(c *cTypes, arg []cToken) bool{
		"defined":       func(c *cTypes, arg []cToken) bool { return c.isDefined(arg[0].text) },
		"__has_include": func(c *cTypes, arg []cToken) bool { return c.hasInclude(arg) },
		"IS_ENABLED": func(c *cTypes, arg []cToken) bool { // include/linux/kconfig.h
			return c.isDefined(arg[0].text) || c.isDefined(arg[0].text+"_MODULE")
		},
		"IS_BUILTIN":      func(c *cTypes, arg []cToken) bool { return c.isDefined(arg[0].text) },
		"__has_attribute": no, "__has_builtin": no, "__has_feature": no, "__has_extension": no, "__has_c_attribute": no,
		"__has_cpp_attribute": no, "__has_warning": no, "__has_declspec_attribute": no,
	}
}

// pragma follows #pragma pack and #pragma once; others say nothing about types.
func (c *cTypes) pragma(t []cToken) {
	if len(t) == 0 {
		return
	}
	if t[0].text == "once" {
		c.once[t[0].file.path] = true
	}
	if t[0].text != "pack" {
		return
	}
	n, push, pop := uint8(0), false, false
	for _, w := range t[1:] {
		switch {
		case w.text == "push":
			push = true
		case w.text == "pop":
			pop = true
		case w.kind == cNumber:
			v, _ := cInteger(w)
			n = uint8(min(v.n, 16))
		}
	}
	switch {
	case pop && len(c.pack) > 0:
		c.pack = c.pack[:len(c.pack)-1]
	case pop:
	case push:
		if n == 0 {
			n = c.packed()
		}
		c.pack = append(c.pack, n)
	case len(c.pack) == 0:
		c.pack = append(c.pack, n)
	default:
		c.pack[len(c.pack)-1] = n
	}
}

// packed is the largest alignment of members that #pragma pack allows, 0 for any.
func (c *cTypes) packed() uint8 {
	if len(c.pack) == 0 {
		return 0
	}
	return c.pack[len(c.pack)-1]
}
