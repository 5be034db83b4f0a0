package lang

import "strings"

// cFile is a text with C definitions: a header, or a piece of the script.
type cFile struct {
	name   string // "" for the script
	path   string // what tells it apart from others, for #pragma once
	text   string
	pos    Pos    // where the text begins
	by     cToken // the #include line
	system bool   // a header of the system: mistakes in it are nobody's business
	next   int    // directory after the one it was found in, for #include_next
}

// position is the place of byte offset of the text.
func (f *cFile) position(offset int) Pos {
	p := f.pos
	if p.Line == 0 {
		p.Filename, p.Line, p.Column = f.name, 1, 1
	}
	return advance(p, f.text[:min(offset, len(f.text))])
}

// advance is the position after a text that begins at a position.
func advance(p Pos, text string) Pos {
	p.Offset += len(text)
	if n := strings.Count(text, "\n"); n > 0 {
		p.Line += n
		p.Column = 1
		text = text[strings.LastIndexByte(text, '\n')+1:]
	}
	p.Column += len(text)
	return p
}

// text reads a text: its directives are followed, the tokens between them are expanded and collected.
func (c *cTypes) text(f *cFile) {
	i := 0
	for i < len(f.text) && !c.stopped {
		i = skipCBlank(f.text, i)
		if i == len(f.text) {
			break
		}
		end := cLineEnd(f.text, i)
		switch {
		case f.text[i] == '#':
			c.flush()
			tokens, err := cTokens(f, i+1, end)
			if c.skipping() {
				err = nil // what is left out need not be C
			}
			if len(tokens) > 0 && err == nil {
				err = c.directive(tokens, end)
			}
			if err != nil {
				c.fail(err)
			}
		case !c.skipping():
			tokens, err := cTokens(f, i, end)
			if err != nil {
				c.fail(err)
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
func (c *cTypes) flush() {
	if len(c.raw) == 0 {
		return
	}
	raw := c.raw
	c.raw = c.raw[:0:0]
	out, err := c.expand(raw)
	if err != nil {
		c.fail(err)
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
			i += blankLen(text[i:])
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
