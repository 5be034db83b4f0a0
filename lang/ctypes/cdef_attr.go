package ctypes

// cAttrs are the attributes that change a layout.
type cAttrs struct {
	packed  bool
	aligned int // 0: not given
}

func (a cAttrs) with(b cAttrs) cAttrs {
	return cAttrs{packed: a.packed || b.packed, aligned: max(a.aligned, b.aligned)}
}

// apply gives a type the alignment of an attribute.
func (a cAttrs) apply(t cType) cType {
	if a.aligned > 0 {
		t.align = a.aligned
	}
	return t
}

// attributes reads __attribute__((…)), _Alignas and the kernel's words for them.
func (p *cParser) attributes() (cAttrs, error) {
	var a cAttrs
	for {
		t := p.peek()
		var err error
		switch t.Text {
		case "__attribute__", "__attribute":
			p.next()
			err = p.attributeList(&a)
		case "_Alignas", "alignas", "__aligned":
			p.next()
			err = p.alignment(&a)
		case "__packed":
			p.next()
			a.packed = true
		case "asm", "__asm__", "__asm": // the symbol of a variable or function
			p.next()
			open := p.next()
			if !open.is("(") {
				return a, CErrorf(open, "expected '(' before %s", open)
			}
			err = p.skipTo(")", open)
		default:
			return a, nil
		}
		if err != nil {
			return a, err
		}
	}
}

// attributeList reads the two pairs of parentheses after __attribute__.
func (p *cParser) attributeList(a *cAttrs) error {
	if err := p.expect("("); err != nil {
		return err
	}
	if err := p.expect("("); err != nil {
		return err
	}
	for !p.accept(")") {
		t := p.next()
		var err error
		switch {
		case t.Kind == cEnd:
			return CErrorf(t, "__attribute__ is never closed")
		case t.is(","):
		case t.Text == "packed" || t.Text == "__packed__":
			a.packed = true
		case t.Text == "aligned" || t.Text == "__aligned__":
			err = p.alignment(a)
		case t.Text == "mode" || t.Text == "__mode__" || t.Text == "vector_size" || t.Text == "__vector_size__":
			return CErrorf(t, "the attribute %s is not supported", t.Text)
		case t.is("("):
			err = p.skipTo(")", t) // arguments of other attributes
		case t.Kind != CWord:
			return CErrorf(t, "expected an attribute before %s", t)
		}
		if err != nil {
			return err
		}
	}
	return p.expect(")")
}

// maxAlign is the largest alignment that gcc takes.
const maxAlign = 1 << 28

// alignment reads the argument of aligned; without one it is the largest of any type.
func (p *cParser) alignment(a *cAttrs) error {
	if !p.accept("(") {
		a.aligned = max(a.aligned, 16)
		return nil
	}
	at := p.peek()
	n := int64(0)
	if p.mode != cInIf && p.beginsType() {
		t, err := p.typeName()
		if err != nil {
			return err
		}
		n = int64(t.align)
	} else {
		v, err := p.plainConst()
		if err != nil {
			return err
		}
		n = int64(v.n)
	}
	if n < 0 || n > maxAlign || n&(n-1) != 0 {
		return CErrorf(at, "an alignment is a power of two, not %d", n)
	}
	a.aligned = max(a.aligned, int(n))
	return p.expect(")")
}
