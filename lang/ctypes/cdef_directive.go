package ctypes

import (
	"strings"
)

// cCond is an open #if, #ifdef or #ifndef.
type cCond struct {
	At    CToken
	off   bool // the lines here are left out
	taken bool // one of its branches was taken
	last  bool // #else was there
	outer bool // a condition around it leaves everything out
	files int  // headers around it
}

// skipping says whether an #if leaves out what comes now.
func (c *Types) skipping() bool { return len(c.Conds) > 0 && c.Conds[len(c.Conds)-1].off }

// directive reads a preprocessor line, after its '#'. end is the end of the line.
func (c *Types) directive(t []CToken, end int) error {
	name, rest := t[0].Text, t[1:]
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
			c.defines[rest[0].Text] = &CDefine{undefined: true}
		}
		return nil
	case "error":
		f := t[0].File
		return CErrorf(t[0], "#error %s", strings.TrimSpace(f.Text[t[0].end().Offset:end]))
	case "pragma":
		c.pragma(rest)
		return nil
	case "warning", "line", "ident", "sccs", "assert", "unassert":
		return nil
	}
	if t[0].Kind == cNumber { // a line number of a preprocessor's output
		return nil
	}
	return CErrorf(t[0], "#%s is not supported", name)
}

// openCond begins an #if.
func (c *Types) openCond(at CToken, rest []CToken) error {
	cond := &cCond{At: at, off: true, outer: c.skipping(), files: len(c.files)}
	c.Conds = append(c.Conds, cond)
	if cond.outer {
		return nil
	}
	holds, err := c.holds(at, strings.TrimPrefix(at.Text, "if"), rest)
	cond.off, cond.taken = !holds, holds || err != nil
	return err
}

// branch continues or ends an #if.
func (c *Types) branch(at CToken, rest []CToken) error {
	n := len(c.Conds)
	if n == 0 || c.Conds[n-1].files != len(c.files) {
		return CErrorf(at, "#%s has no #if", at.Text)
	}
	cond := c.Conds[n-1]
	if at.Text == "endif" {
		c.Conds = c.Conds[:n-1]
		return nil
	}
	if cond.last {
		return CErrorf(at, "#%s comes after #else", at.Text)
	}
	cond.last = at.Text == "else"
	cond.off = true
	if cond.outer || cond.taken {
		return nil
	}
	holds, err := true, error(nil)
	if !cond.last {
		holds, err = c.holds(at, strings.TrimPrefix(at.Text, "elif"), rest)
	}
	cond.off, cond.taken = !holds, holds || err != nil
	return err
}

// holds says whether a condition holds: an expression, "def" or "ndef".
func (c *Types) holds(at CToken, kind string, rest []CToken) (bool, error) {
	if len(rest) == 0 {
		return false, CErrorf(at, "#%s needs a condition", at.Text)
	}
	if kind != "" {
		if rest[0].Kind != CWord {
			return false, CErrorf(rest[0], "#%s needs a name", at.Text)
		}
		return c.isDefined(rest[0].Text) != (kind == "ndef"), nil
	}
	tokens, err := c.resolveDefined(rest)
	if err != nil {
		return false, err
	}
	if tokens, err = c.Expand(tokens); err != nil {
		return false, err
	}
	v, err := c.constant(tokens, cInIf)
	return v != 0, err
}

// resolveDefined puts 1 or 0 for what asks for macros and headers and is never expanded itself.
func (c *Types) resolveDefined(in []CToken) ([]CToken, error) {
	var out []CToken
	for i := 0; i < len(in); i++ {
		t := in[i]
		ask := cQuestions[t.Text]
		if ask == nil || t.Kind != CWord || c.defines[t.Text] != nil {
			out = append(out, t)
			continue
		}
		var arg []CToken
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
				return nil, CErrorf(in[i+1], "this '(' is never closed")
			}
			arg, i = in[i+2:end], end
		case i+1 < len(in) && t.Text == "defined":
			arg, i = in[i+1:i+2], i+1
		}
		if len(arg) == 0 {
			return nil, CErrorf(t, "%s needs a name", t.Text)
		}
		number := "0"
		if ask(c, arg) {
			number = "1"
		}
		out = append(out, CToken{Kind: cNumber, Text: number, File: t.File, Offset: t.Offset})
	}
	return out, nil
}

// cQuestions are the operators of #if that are answered before macros are expanded.
var cQuestions map[string]func(c *Types, arg []CToken) bool

func init() {
	no := func(*Types, []CToken) bool { return false }
	cQuestions = map[string]func(c *Types, arg []CToken) bool{
		"defined":       func(c *Types, arg []CToken) bool { return c.isDefined(arg[0].Text) },
		"__has_include": func(c *Types, arg []CToken) bool { return c.hasInclude(arg) },
		"IS_ENABLED": func(c *Types, arg []CToken) bool { // include/linux/kconfig.h
			return c.isDefined(arg[0].Text) || c.isDefined(arg[0].Text+"_MODULE")
		},
		"IS_BUILTIN":      func(c *Types, arg []CToken) bool { return c.isDefined(arg[0].Text) },
		"__has_attribute": no, "__has_builtin": no, "__has_feature": no, "__has_extension": no, "__has_c_attribute": no,
		"__has_cpp_attribute": no, "__has_warning": no, "__has_declspec_attribute": no,
	}
}

// pragma follows #pragma pack and #pragma once; others say nothing about types.
func (c *Types) pragma(t []CToken) {
	if len(t) == 0 {
		return
	}
	if t[0].Text == "once" {
		c.once[t[0].File.path] = true
	}
	if t[0].Text != "pack" {
		return
	}
	n, push, pop := uint8(0), false, false
	for _, w := range t[1:] {
		switch {
		case w.Text == "push":
			push = true
		case w.Text == "pop":
			pop = true
		case w.Kind == cNumber:
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
func (c *Types) packed() uint8 {
	if len(c.pack) == 0 {
		return 0
	}
	return c.pack[len(c.pack)-1]
}
