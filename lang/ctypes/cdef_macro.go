package ctypes

import (
	"slices"

	"github.com/gotrace/gotrace/lang/types"
)

// CDefine is what #define stands for.
type CDefine struct {
	tokens    []CToken
	call      bool // it takes arguments
	params    []string
	variadic  bool // the last parameter takes all that is left
	undefined bool // #undef: not even the machine's meaning of the name is left
}

// define reads a #define, after that word.
func (c *Types) define(at CToken, rest []CToken) error {
	if len(rest) == 0 || rest[0].Kind != CWord {
		return CErrorf(at, "#define needs a name")
	}
	name := rest[0]
	if name.Text == "defined" {
		return CErrorf(name, "'defined' cannot be a macro")
	}
	d := &CDefine{tokens: rest[1:]}
	// A parenthesis belongs to the name only where no blank is between them.
	if len(rest) > 1 && rest[1].is("(") && rest[1].glued {
		d.call = true
		if err := d.readParams(rest[2:], rest[1]); err != nil {
			return err
		}
	}
	c.defines[name.Text] = d
	return nil
}

// readParams reads the parameters of a macro, after the parenthesis, and leaves its body.
func (d *CDefine) readParams(t []CToken, open CToken) error {
	for i := 0; i < len(t); i++ {
		switch {
		case t[i].is(")"):
			d.tokens = t[i+1:]
			return nil
		case t[i].is("..."):
			d.variadic = true
			if i == 0 || t[i-1].is(",") {
				d.params = append(d.params, "__VA_ARGS__")
			}
		case t[i].Kind == CWord && slices.Contains(d.params, t[i].Text):
			return CErrorf(t[i], "a macro cannot have two parameters %s", t[i])
		case t[i].Kind == CWord && (i == 0 || t[i-1].is(",")):
			d.params = append(d.params, t[i].Text)
		case t[i].is(",") && i > 0 && t[i-1].Kind == CWord:
		default:
			return CErrorf(t[i], "expected the name of a parameter before %s", t[i])
		}
	}
	return CErrorf(open, "the parameters of this macro are never closed")
}

func (d *CDefine) param(t CToken) (int, bool) {
	if t.Kind == CWord {
		for i, p := range d.params {
			if p == t.Text {
				return i, true
			}
		}
	}
	return 0, false
}

// Macro is what a name stands for, nil if it is no macro.
func (c *Types) Macro(name string) *CDefine {
	if d, ok := c.defines[name]; ok {
		if d.undefined {
			return nil
		}
		return d
	}
	return c.predefined(name)
}

// isDefined says what #ifdef asks.
func (c *Types) isDefined(name string) bool {
	if c.Macro(name) != nil {
		return true
	}
	if c.System == nil || c.defines[name] != nil {
		return false
	}
	if c.System.pending() {
		if _, ok := c.tableConst(name); ok {
			return true
		}
	}
	return c.System.defined(name) != nil
}

// Defined is the value that a name of a #define stands for, as a constant: a string or an integer. ok is false if there is no such
// name, err says why it is no constant.
func (c *Types) Defined(name string) (k types.Const, ok bool, err error) {
	d := c.Macro(name)
	if d == nil {
		return types.Const{}, false, nil
	}
	k, err = c.macroValue(name, d)
	return k, true, err
}

func (c *Types) macroValue(name string, d *CDefine) (types.Const, error) {
	t := CToken{Text: name, Kind: CWord}
	if d.call {
		return types.Const{}, CErrorf(t, "%s is a macro with arguments: write %s(…)", name, name)
	}
	tokens, err := c.Expand([]CToken{t})
	if err != nil {
		return types.Const{}, err
	}
	return c.ConstantTokens(t, tokens)
}

// ConstantTokens is the value of what a macro stands for.
func (c *Types) ConstantTokens(t CToken, tokens []CToken) (types.Const, error) {
	text, strings := "", len(tokens) > 0
	for _, s := range tokens {
		if strings = strings && s.Kind == cString; !strings {
			break
		}
		part, err := s.str()
		if err != nil {
			return types.Const{}, err
		}
		text += part
	}
	if strings {
		return types.Const{Str: &text}, nil
	}
	v, err := c.constantValue(tokens, cWide)
	if err != nil {
		return types.Const{}, CErrorf(t, "%s stands for no constant: %v", t.Text, err)
	}
	return types.Const{Int: v.n, Unsigned: v.unsigned}, nil
}

// Callable is a macro with arguments, nil if there is none of the name.
func (c *Types) Callable(name string) *CDefine {
	d := c.Macro(name)
	if d == nil {
		d = c.System.defined(name)
		if d != nil && d.call {
			c.defines[name] = d // what it is made of is found as the script's own names are
			for i, t := range d.tokens[:max(len(d.tokens)-1, 0)] {
				if t.Kind == CWord && d.tokens[i+1].is("(") {
					c.Callable(t.Text)
				}
			}
		}
	}
	if d == nil || !d.call {
		return nil
	}
	return d
}
