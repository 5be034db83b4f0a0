package lang

// cDefine is what #define stands for.
type cDefine struct {
	tokens    []cToken
	call      bool // it takes arguments
	params    []string
	variadic  bool // the last parameter takes all that is left
	undefined bool // #undef: not even the machine's meaning of the name is left
}

// define reads a #define, after that word.
func (c *cTypes) define(at cToken, rest []cToken) error {
	if len(rest) == 0 || rest[0].kind != cWord {
		return cErrorf(at, "#define needs a name")
	}
	name := rest[0]
	if name.text == "defined" {
		return cErrorf(name, "'defined' cannot be a macro")
	}
	d := &cDefine{tokens: rest[1:]}
	// A parenthesis belongs to the name only where no blank is between them.
	if len(rest) > 1 && rest[1].is("(") && rest[1].glued {
		d.call = true
		if err := d.readParams(rest[2:], rest[1]); err != nil {
			return err
		}
	}
	c.defines[name.text] = d
	return nil
}

// readParams reads the parameters of a macro, after the parenthesis, and leaves its body.
func (d *cDefine) readParams(t []cToken, open cToken) error {
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
		case t[i].kind == cWord && (i == 0 || t[i-1].is(",")):
			d.params = append(d.params, t[i].text)
		case t[i].is(",") && i > 0 && t[i-1].kind == cWord:
		default:
			return cErrorf(t[i], "expected the name of a parameter before %s", t[i])
		}
	}
	return cErrorf(open, "the parameters of this macro are never closed")
}

func (d *cDefine) param(t cToken) (int, bool) {
	if t.kind == cWord {
		for i, p := range d.params {
			if p == t.text {
				return i, true
			}
		}
	}
	return 0, false
}

// macro is what a name stands for, nil if it is no macro.
func (c *cTypes) macro(name string) *cDefine {
	if d, ok := c.defines[name]; ok {
		if d.undefined {
			return nil
		}
		return d
	}
	return c.predefined(name)
}

// isDefined says what #ifdef asks.
func (c *cTypes) isDefined(name string) bool {
	if c.macro(name) != nil {
		return true
	}
	if c.system == nil || c.defines[name] != nil {
		return false
	}
	if c.system.pending() {
		if _, ok := c.tableConst(name); ok {
			return true
		}
	}
	return c.system.defined(name) != nil
}

// defined is the value that a name of a #define stands for, as a constant: a string or an integer. ok is false if there is no such
// name, err says why it is no constant.
func (c *cTypes) defined(name string) (k Const, ok bool, err error) {
	d := c.macro(name)
	if d == nil {
		return Const{}, false, nil
	}
	k, err = c.macroValue(name, d)
	return k, true, err
}

func (c *cTypes) macroValue(name string, d *cDefine) (Const, error) {
	t := cToken{text: name, kind: cWord}
	if d.call {
		return Const{}, cErrorf(t, "%s is a macro with arguments: write %s(…)", name, name)
	}
	tokens, err := c.expand([]cToken{t})
	if err != nil {
		return Const{}, err
	}
	return c.constantTokens(t, tokens)
}

// constantTokens is the value of what a macro stands for.
func (c *cTypes) constantTokens(t cToken, tokens []cToken) (Const, error) {
	text, strings := "", len(tokens) > 0
	for _, s := range tokens {
		if strings = strings && s.kind == cString; !strings {
			break
		}
		part, err := s.str()
		if err != nil {
			return Const{}, err
		}
		text += part
	}
	if strings {
		return Const{Str: &text}, nil
	}
	v, err := c.constant(tokens, cWide)
	if err != nil {
		return Const{}, cErrorf(t, "%s stands for no constant: %v", t.text, err)
	}
	return Const{Int: uint64(v)}, nil
}

// callable is a macro with arguments, nil if there is none of the name.
func (c *cTypes) callable(name string) *cDefine {
	d := c.macro(name)
	if d == nil {
		d = c.system.defined(name)
		if d != nil && d.call {
			c.defines[name] = d // what it is made of is found as the script's own names are
		}
	}
	if d == nil || !d.call {
		return nil
	}
	return d
}
