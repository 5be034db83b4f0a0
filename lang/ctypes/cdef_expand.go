package ctypes

import (
	"strings"

	"github.com/gotrace/gotrace/lang/source"
)

// maxExpansion bounds what macros can grow to, in tokens: those that contain others several times grow without end.
const maxExpansion = 1 << 18

// maxSystemExpansion is that of the system's headers, of which some have much to replace.
const maxSystemExpansion = 1 << 21

// maxMacroText bounds the texts that # and ## make.
const maxMacroText = 4096

// cHide is a list of names of macros. A token that a macro made is not replaced by that macro again.
type cHide struct {
	name string
	next *cHide
}

func (h *cHide) has(name string) bool {
	for ; h != nil; h = h.next {
		if h.name == name {
			return true
		}
	}
	return false
}

// with is a list of the names of both.
func (h *cHide) with(more *cHide) *cHide {
	for ; more != nil; more = more.next {
		if !h.has(more.name) {
			h = &cHide{name: more.name, next: h}
		}
	}
	return h
}

// cExpander replaces macros. Its input is a stack: what a macro stands for is read before what follows the macro.
type cExpander struct {
	*Types
	stack [][]CToken
	depth int
}

// Expand replaces the macros in a list of tokens.
func (c *Types) Expand(in []CToken) ([]CToken, error) { return c.expandAt(in, 0) }

func (c *Types) expandAt(in []CToken, depth int) ([]CToken, error) {
	x := &cExpander{Types: c, stack: [][]CToken{in}, depth: depth}
	out := make([]CToken, 0, len(in))
	for {
		t, ok := x.next()
		if !ok {
			return out, nil
		}
		d := (*CDefine)(nil)
		if t.Kind == CWord && !t.hidden.has(t.Text) {
			d = c.Macro(t.Text)
		}
		if d == nil || d.call && !x.peek().is("(") {
			out = append(out, t)
			continue
		}
		body, err := x.replace(t, d)
		if err != nil {
			return nil, err
		}
		if c.made += len(body) + 1; c.made > c.maxMade {
			return nil, CErrorf(t, "macros expand to more than %d tokens", c.maxMade)
		}
		x.stack = append(x.stack, body)
	}
}

func (x *cExpander) next() (CToken, bool) {
	for n := len(x.stack); n > 0; n = len(x.stack) {
		if top := x.stack[n-1]; len(top) > 0 {
			x.stack[n-1] = top[1:]
			return top[0], true
		}
		x.stack = x.stack[:n-1]
	}
	return CToken{}, false
}

func (x *cExpander) peek() CToken {
	for i := len(x.stack) - 1; i >= 0; i-- {
		if len(x.stack[i]) > 0 {
			return x.stack[i][0]
		}
	}
	return CToken{}
}

// replace is what a macro stands for at a place.
func (x *cExpander) replace(t CToken, d *CDefine) ([]CToken, error) {
	var args [][]CToken
	if d.call {
		var err error
		if args, err = x.arguments(t, d); err != nil {
			return nil, err
		}
	}
	body, err := x.substitute(t, d, args)
	if err != nil {
		return nil, err
	}
	hidden := map[*cHide]*cHide{} // each list of names is made longer once
	for i := range body {
		b := &body[i]
		h := hidden[b.hidden]
		if h == nil {
			h = t.hidden.with(b.hidden).with(&cHide{name: t.Text})
			hidden[b.hidden] = h
		}
		b.hidden, b.File, b.Offset, b.pack = h, t.File, t.Offset, t.pack
	}
	return body, nil
}

// arguments reads the arguments of a call, parentheses included.
func (x *cExpander) arguments(t CToken, d *CDefine) ([][]CToken, error) {
	x.next()
	args := [][]CToken{nil}
	for depth := 1; ; {
		a, ok := x.next()
		switch {
		case !ok:
			return nil, CErrorf(t, "the arguments of %s are never closed", t.Text)
		case a.is("("):
			depth++
		case a.is(")"):
			depth--
		}
		rest := d.variadic && len(args) == len(d.params)
		switch {
		case depth == 0:
			if len(args) == 1 && len(args[0]) == 0 && len(d.params) == 0 {
				args = nil
			}
			if d.variadic && len(args) == len(d.params)-1 {
				args = append(args, nil)
			}
			if len(args) != len(d.params) {
				return nil, CErrorf(t, "the macro %s takes %d argument%s, not %d", t.Text, len(d.params), source.Plural(len(d.params)), len(args))
			}
			return args, nil
		case depth == 1 && a.is(",") && !rest:
			args = append(args, nil)
		default:
			args[len(args)-1] = append(args[len(args)-1], a)
		}
	}
}

// substitute puts arguments for parameters, and follows # and ##.
func (x *cExpander) substitute(at CToken, d *CDefine, args [][]CToken) ([]CToken, error) {
	var out []CToken
	full := make([][]CToken, len(args)) // arguments with their macros replaced
	for i := 0; i < len(d.tokens); i++ {
		t := d.tokens[i]
		after := i+1 < len(d.tokens) && d.tokens[i+1].is("##")
		before := i > 0 && d.tokens[i-1].is("##")
		n, isParam := d.param(t)
		switch {
		case t.is("#") && d.call && i+1 < len(d.tokens):
			if k, ok := d.param(d.tokens[i+1]); ok {
				out = append(out, CToken{Kind: cString, Text: cStringOf(args[k])})
				i++
				continue
			}
			out = append(out, t)
		case t.is("##") && i > 0 && i+1 < len(d.tokens):
			i++
			var err error
			if out, err = paste(at, out, d.operand(i, args)); err != nil {
				return nil, err
			}
		case isParam && (after || before):
			out = append(out, args[n]...)
			if after && len(args[n]) == 0 {
				out = append(out, CToken{Kind: CPunct}) // an empty place for ## to paste to
			}
		case isParam:
			if full[n] == nil {
				if x.depth > cMaxDepth {
					return nil, CErrorf(at, "macros nest too deep")
				}
				var err error
				if full[n], err = x.expandAt(args[n], x.depth+1); err != nil {
					return nil, err
				}
			}
			out = append(out, full[n]...)
		default:
			out = append(out, t)
		}
		if len(out) > maxExpansion {
			return nil, CErrorf(at, "macros expand to more than %d tokens", maxExpansion)
		}
	}
	return dropEmpty(out), nil
}

// operand is what stands right of a ##, at token i of the body.
func (d *CDefine) operand(i int, args [][]CToken) []CToken {
	if k, ok := d.param(d.tokens[i]); ok {
		return args[k]
	}
	return d.tokens[i : i+1]
}

// paste joins the last token of out and the first of next. A comma before empty variable arguments goes away, as GNU C has it.
func paste(at CToken, out, next []CToken) ([]CToken, error) {
	if len(out) == 0 {
		return append(out, next...), nil
	}
	last := out[len(out)-1]
	if last.is(",") {
		if len(next) == 0 {
			return out[:len(out)-1], nil
		}
		return append(out, next...), nil
	}
	if len(next) == 0 {
		return out, nil
	}
	text := last.Text + next[0].Text
	if len(text) > maxMacroText {
		return nil, CErrorf(at, "## makes a token of more than %d bytes", maxMacroText)
	}
	if text == "" {
		return out, nil
	}
	joined, err := cTokenAt(&cFile{Text: text}, 0, len(text))
	if err != nil || joined.Text != text {
		return nil, CErrorf(at, "## makes '%s', which is no token", text)
	}
	out = append(out[:len(out)-1:len(out)-1], joined)
	return append(out, next[1:]...), nil
}

func dropEmpty(in []CToken) []CToken {
	out := in[:0]
	for _, t := range in {
		if t.Text != "" {
			out = append(out, t)
		}
	}
	return out
}

// cStringOf is what # makes of an argument.
func cStringOf(arg []CToken) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, t := range arg {
		if i > 0 && !t.glued {
			b.WriteByte(' ')
		}
		text := t.Text
		if t.Kind == cString || t.Kind == cChar {
			text = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
		}
		if b.Len() > maxMacroText {
			break
		}
		b.WriteString(text)
	}
	b.WriteByte('"')
	return b.String()
}
