package ctypes

import (
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// tag is the struct or union of a name: the script's own; the machine's, where the script defines none; or one that is only declared so far.
func (p *cParser) tag(keyword string, name CToken) cType {
	s := p.structs[keyword+" "+name.Text]
	if s == nil {
		s = p.declare(keyword, name.Text)
	}
	if p.complete[s] {
		return cType{s, max(p.align[s], 1)}
	}
	return cType{s, 1}
}

// declare makes a struct that is not complete yet.
func (p *cParser) declare(keyword, name string) *types.Struct {
	s := types.NewStruct(name, keyword == "union", 0, 0, nil)
	p.complete[s] = false
	if name != "" {
		p.structs[keyword+" "+name] = s
	}
	return s
}

// borrow takes the machine's struct in place of one that is only declared, where its size is needed.
func (p *cParser) borrow(at CToken, t cType) cType {
	switch typ := t.Type.(type) {
	case types.Array:
		inner := p.borrow(at, cType{typ.Elem, t.align})
		typ.Elem = inner.Type
		return cType{typ, inner.align}
	case *types.Struct:
		if !p.incomplete(typ) || typ.Name == "" || p.open[typ] {
			return t
		}
		if real, ok := p.machineStruct(typ); ok {
			p.borrowed[tagOf(typ)] = true
			return cType{real, max(p.alignOf(real), t.align)}
		}
	}
	return t
}

// machineStruct is the machine's struct of the same name.
func (c *Types) machineStruct(s *types.Struct) (*types.Struct, bool) {
	keyword, _, _ := strings.Cut(tagOf(s), " ")
	t, ok := c.machine(keyword, s.Name)
	if !ok && c.System != nil {
		t, ok = c.System.find(keyword, s.Name)
	}
	real, isStruct := t.(*types.Struct)
	return real, ok && isStruct
}

// settle puts the machine's struct, or void, for one that pointers point to and nobody has defined in the end.
func (c *Types) settle(t types.Type) types.Type {
	switch t := t.(type) {
	case types.Pointer:
		t.Elem = c.settle(t.Elem)
		return t
	case types.Array:
		t.Elem = c.settle(t.Elem)
		return t
	case *types.Struct:
		if !c.incomplete(t) {
			return t
		}
		if real, ok := c.machineStruct(t); ok {
			return real
		}
		return types.Void{}
	}
	return t
}

// structType reads what follows the word struct or union.
func (p *cParser) structType(keyword string) (cType, error) {
	attrs, err := p.attributes()
	if err != nil {
		return cType{}, err
	}
	var name CToken
	at := p.peek()
	if at.Kind == CWord {
		name = p.next()
	}
	if !p.accept("{") {
		if name.Kind == cEnd {
			return cType{}, CErrorf(at, "expected the name of a %s before %s", keyword, at)
		}
		return p.named(keyword, at)
	}
	s, err := p.beginStruct(keyword, name)
	if err != nil {
		return cType{}, err
	}
	members, err := p.members()
	delete(p.open, s)
	if err != nil {
		return cType{}, err
	}
	limit := int(p.tokens[p.at-1].pack) // of the closing brace
	after, err := p.attributes()
	if err != nil {
		return cType{}, err
	}
	attrs = attrs.with(after)
	l := &cLayout{union: s.Union, packed: attrs.packed, limit: limit, anonAlign: p.arch() == "arm64"}
	for _, m := range members {
		if err := l.add(m); err != nil {
			return cType{}, err
		}
	}
	s.Bytes, p.align[s] = l.finish(attrs.aligned)
	p.complete[s] = true
	p.fields[s] = l.fields
	s.Resolve = func() []types.Field {
		fields := slices.Clone(l.fields)
		for i := range fields {
			fields[i].Type = p.settle(fields[i].Type)
		}
		return fields
	}
	return cType{s, p.align[s]}, nil
}

// beginStruct makes the struct that a definition fills, or takes the one that was declared.
func (p *cParser) beginStruct(keyword string, name CToken) (*types.Struct, error) {
	if name.Kind == cEnd {
		return p.declare(keyword, ""), nil
	}
	if err := p.otherTag(keyword, name); err != nil {
		return nil, err
	}
	key := keyword + " " + name.Text
	s := p.structs[key]
	switch {
	case s == nil:
		s = p.declare(keyword, name.Text)
	case p.complete[s] || p.open[s]:
		return nil, CErrorf(name, "%s is defined twice", key)
	case p.borrowed[key]:
		return nil, CErrorf(name, "%s is defined after a member has it as its type: move the definition up", key)
	}
	p.open[s] = true
	return s, nil
}

// otherTag is the mistake of a definition whose name is that of a definition of another kind: structs, unions and enums share their names.
func (p *cParser) otherTag(keyword string, name CToken) error {
	for _, other := range []string{"struct", "union", "enum"} {
		if other == keyword {
			continue
		}
		if _, there := p.Own(other, name.Text); there {
			return CErrorf(name, "%s %s is there already, of which this would be another kind", other, name.Text)
		}
	}
	return nil
}

// members reads the declarations of a struct or union and its closing brace.
func (p *cParser) members() ([]cMember, error) {
	var out []cMember
	seen := map[string]bool{}
	for !p.accept("}") {
		if p.accept(";") {
			continue
		}
		if t := p.peek(); t.Text == "_Static_assert" || t.Text == "static_assert" {
			p.skipDeclaration()
			continue
		}
		first := len(out)
		at := p.peek()
		base, attrs, err := p.specifier()
		if err != nil {
			return nil, err
		}
		inner, isStruct := base.Type.(*types.Struct)
		switch {
		case !p.peek().is(";") && !p.peek().is("}"):
			out, err = p.memberDeclarators(out, base, attrs)
		case isStruct && inner.Name == "":
			out = append(out, cMember{typ: inner, align: base.align, bits: -1, attrs: attrs})
		}
		if err != nil {
			return nil, err
		}
		for _, m := range out[first:] {
			if twice := p.addNames(seen, m.name, m.typ); twice != "" {
				if m.at.Kind != cEnd {
					at = m.at
				}
				return nil, CErrorf(at, "there is a member %s already", twice)
			}
		}
		// The last semicolon may be missing, as bpftrace lets it.
		if !p.accept(";") && !p.peek().is("}") {
			return nil, CErrorf(p.peek(), "expected ';' before %s", p.peek())
		}
	}
	return out, nil
}

// addNames notes the names of a member, those of an anonymous struct included. It returns one that was there.
func (c *Types) addNames(seen map[string]bool, name string, t types.Type) (twice string) {
	if name != "" {
		if seen[name] {
			return name
		}
		seen[name] = true
		return ""
	}
	if s, ok := t.(*types.Struct); ok {
		for _, f := range c.fieldsOf(s) {
			if twice := c.addNames(seen, f.Name, f.Type); twice != "" {
				return twice
			}
		}
	}
	return ""
}

// fieldsOf are the members of a struct while definitions are read: pointers may point to what is not defined yet.
func (c *Types) fieldsOf(s *types.Struct) []types.Field {
	if fields, own := c.fields[s]; own {
		return fields
	}
	return s.Fields()
}

// memberDeclarators reads `*a, b[4], c:3`.
func (p *cParser) memberDeclarators(out []cMember, base cType, attrs cAttrs) ([]cMember, error) {
	for {
		m, err := p.member(base, attrs)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
		if !p.accept(",") {
			return out, nil
		}
	}
}

func (p *cParser) member(base cType, attrs cAttrs) (cMember, error) {
	at := p.peek()
	d, err := p.declarator(base)
	if err != nil {
		return cMember{}, err
	}
	t := p.borrow(at, d.cType)
	m := cMember{at: d.name, name: d.name.Text, typ: t.Type, align: t.align, bits: -1}
	if m.name == "" {
		m.at = at
	}
	switch {
	case p.accept(":"):
		v, err := p.plainConst()
		if err != nil {
			return m, err
		}
		if err := m.setBits(at, int64(v.n)); err != nil {
			return m, err
		}
	case m.name == "":
		return m, CErrorf(at, "expected a name before %s", at)
	}
	after, err := p.attributes()
	if err != nil {
		return m, err
	}
	m.attrs = attrs.with(after)
	return m, p.sized(m.at, t)
}

// setBits makes a bitfield of a member.
func (m *cMember) setBits(at CToken, n int64) error {
	bits := 0
	switch t := m.typ.(type) {
	case types.Int:
		bits = t.Bits
	case types.Bool:
		bits = 1
	}
	if n < 0 || n > int64(bits) {
		return CErrorf(at, "%d bits do not fit a bitfield of type %s", n, m.typ)
	}
	if n == 0 && m.name != "" {
		return CErrorf(at, "a bitfield of no bits has no name")
	}
	m.bits = int(n)
	return nil
}
