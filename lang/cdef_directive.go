package lang

// directive reads a preprocessor line, after its '#'.
func (c *cTypes) directive(t []cToken) error {
	name, rest := t[0].text, t[1:]
	switch name {
	case "if", "ifdef", "ifndef":
		return c.open(t[0], rest)
	case "else":
		n := len(c.skip)
		if n == 0 {
			return cErrorf(t[0], "#else has no #if")
		}
		c.skip[n-1] = !c.skip[n-1]
		return nil
	case "endif":
		n := len(c.skip)
		if n == 0 {
			return cErrorf(t[0], "#endif has no #if")
		}
		c.skip = c.skip[:n-1]
		return nil
	}
	if c.skipping() {
		return nil
	}
	switch name {
	case "include":
		c.include(rest)
		return nil
	case "pragma":
		return nil
	case "define":
		if len(rest) == 0 || rest[0].kind != cWord {
			return cErrorf(t[0], "#define needs a name")
		}
		// A parenthesis belongs to the name only where no blank is between them.
		call := len(rest) > 1 && rest[1].is("(") && rest[1].glued
		c.defines[rest[0].text] = &cDefine{tokens: rest[1:], call: call}
		return nil
	case "undef":
		if len(rest) > 0 {
			delete(c.defines, rest[0].text)
		}
		return nil
	}
	return cErrorf(t[0], "#%s is not supported", name)
}

// open begins an #if.
func (c *cTypes) open(at cToken, rest []cToken) error {
	if len(rest) == 0 {
		return cErrorf(at, "#%s needs a condition", at.text)
	}
	if at.text != "if" {
		_, defined := c.defines[rest[0].text]
		c.skip = append(c.skip, defined != (at.text == "ifdef"))
		return nil
	}
	c.skip = append(c.skip, true)
	if c.skippingOuter() {
		return nil
	}
	v, err := c.constant(c.resolveDefined(rest), true)
	if err != nil {
		return err
	}
	c.skip[len(c.skip)-1] = v == 0
	return nil
}

// skippingOuter says whether an #if around the innermost leaves out what comes now.
func (c *cTypes) skippingOuter() bool {
	for _, s := range c.skip[:len(c.skip)-1] {
		if s {
			return true
		}
	}
	return false
}

// resolveDefined puts 1 or 0 for `defined(X)` and `defined X`.
func (c *cTypes) resolveDefined(in []cToken) []cToken {
	var out []cToken
	for i := 0; i < len(in); i++ {
		t := in[i]
		if t.text != "defined" || i+1 == len(in) {
			out = append(out, t)
			continue
		}
		i++
		paren := in[i].is("(") && i+2 < len(in)
		if paren {
			i++
		}
		_, ok := c.defines[in[i].text]
		if paren {
			i++
		}
		out = append(out, cToken{kind: cInt, text: "defined", value: truth(ok), offset: t.offset})
	}
	return out
}

// maxExpansion bounds what #defines that contain others several times can grow to, in tokens.
const maxExpansion = 4096

// expand replaces the names of constants by what they stand for, inside of it again, but never a name within itself.
func (c *cTypes) expand(in []cToken) []cToken {
	var out []cToken
	active := map[string]bool{}
	var walk func(in []cToken, at int)
	walk = func(in []cToken, at int) {
		for _, t := range in {
			d := c.defines[t.text]
			if at >= 0 {
				t.offset = at
			}
			if len(out) >= maxExpansion {
				return
			}
			if t.kind != cWord || d == nil || d.call || active[t.text] {
				out = append(out, t)
				continue
			}
			active[t.text] = true
			walk(d.tokens, t.offset)
			delete(active, t.text)
		}
	}
	walk(in, -1)
	return out
}

// defined is the value that a name of a #define stands for, as a constant: a string or an integer. ok is false if there is no such
// name, err says why it is no constant.
func (c *cTypes) defined(name string) (k Const, ok bool, err error) {
	d := c.defines[name]
	if d == nil {
		return Const{}, false, nil
	}
	t := cToken{text: name, kind: cWord}
	if d.call {
		return Const{}, true, cErrorf(t, "%s is a macro of C with arguments, which are not supported", name)
	}
	tokens := c.expand(d.tokens)
	text, strings := "", len(tokens) > 0
	for _, s := range tokens {
		text += s.str
		strings = strings && s.kind == cString
	}
	if strings {
		return Const{Str: &text}, true, nil
	}
	v, err := c.constant(tokens, false)
	if err != nil {
		return Const{}, true, cErrorf(t, "%s stands for no constant: %v", name, err)
	}
	return Const{Int: uint64(v)}, true, nil
}
