package ctypes

import (
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

// cFile is a text with C definitions: a header, or a piece of the script.
type cFile struct {
	Name string // "" for the script
	path string // what tells it apart from others, for #pragma once
	Text string
	pos  source.Pos // where the text begins
	By   CToken     // the #include line
	next int        // directory after the one it was found in, for #include_next
}

// Position is the place of byte offset of the text.
func (f *cFile) Position(offset int) source.Pos {
	p := f.pos
	if p.Line == 0 {
		p.Filename, p.Line, p.Column = f.Name, 1, 1
	}
	return source.Advance(p, f.Text[:min(offset, len(f.Text))])
}

// text reads a text: its directives are followed, the tokens between them are expanded and collected.
func (c *Types) text(f *cFile) {
	i := 0
	for i < len(f.Text) && !c.stopped {
		i = skipCBlank(f.Text, i)
		if i == len(f.Text) {
			break
		}
		end := cLineEnd(f.Text, i)
		switch {
		case f.Text[i] == '#':
			c.flush()
			tokens, err := cTokens(f, i+1, end)
			if c.skipping() {
				err = nil // what is left out need not be C
			}
			if len(tokens) > 0 && err == nil {
				err = c.directive(tokens, end)
			}
			if err != nil {
				c.Fail(err)
			}
		case !c.skipping():
			tokens, err := cTokens(f, i, end)
			if err != nil {
				c.Fail(err)
			}
			for i := range tokens {
				tokens[i].pack = c.packed()
			}
			c.raw = append(c.raw, tokens...)
		}
		i = end
	}
	c.flush()
}

// flush expands what stands before a directive.
func (c *Types) flush() {
	if len(c.raw) == 0 {
		return
	}
	raw := c.raw
	c.raw = c.raw[:0:0]
	out, err := c.Expand(raw)
	if err != nil {
		c.Fail(err)
		return
	}
	c.out = append(c.out, out...)
}

// skipCBlank is the offset of the first byte from i on that is neither blank nor comment.
func skipCBlank(text string, i int) int {
	for i < len(text) {
		n := cBlankLen(text[i:])
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// cLineEnd is the end of the line that byte i is on. Comments and line ends after a backslash are part of the line.
func cLineEnd(text string, i int) int {
	for i < len(text) {
		switch c := text[i]; {
		case c == '\n':
			return i
		case c == '\\':
			if i++; strings.HasPrefix(text[i:], "\r\n") {
				i++
			}
			i++
		case strings.HasPrefix(text[i:], "//"), strings.HasPrefix(text[i:], "/*"):
			i += literal.BlankLen(text[i:])
		case c == '"' || c == '\'':
			i += max(cQuotedLen(text[i:]), 1)
		default:
			i++
		}
	}
	return len(text)
}

// cQuotedLen is the length of the string or character constant that a text begins with, 0 if its line ends before it does.
func cQuotedLen(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n':
			return 0
		case text[0]:
			return i + 1
		}
	}
	return 0
}
