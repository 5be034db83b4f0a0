package lang

import (
	"sort"
	"strings"
)

// cParser reads one definition.
type cParser struct {
	*cTypes
	tokens []cToken
	at     int
	depth  int
	inIf   bool
}

func (p *cParser) peek() cToken {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	end := cToken{}
	if n := len(p.tokens); n > 0 {
		last := p.tokens[n-1]
		end.offset = last.offset + len(last.text)
	}
	return end
}

func (p *cParser) next() cToken {
	t := p.peek()
	p.at++
	return t
}

func (p *cParser) accept(text string) bool {
	if t := p.peek(); t.kind != cString && t.text == text {
		p.at++
		return true
	}
	return false
}

func (p *cParser) expect(text string) error {
	if p.accept(text) {
		return nil
	}
	return cErrorf(p.peek(), "expected '%s' before %s", text, p.peek())
}

// qualifiers change nothing of a type's layout.
var qualifiers = map[string]bool{"const": true, "volatile": true, "__user": true, "__kernel": true, "restrict": true, "static": true}

// intWords are the words that the name of an integer type can be made of.
var intWords = map[string]bool{"unsigned": true, "signed": true, "char": true, "short": true, "int": true, "long": true}

// specifier reads what a declaration begins with: a type.
func (p *cParser) specifier() (Type, error) {
	if p.depth++; p.depth > cMaxDepth {
		return nil, cErrorf(p.peek(), "this nests too deep")
	}
	defer func() { p.depth-- }()
	p.skipQualifiers()
	t := p.next()
	if t.kind != cWord {
		return nil, cErrorf(t, "expected a type before %s", t)
	}
	var typ Type
	var err error
	switch {
	case t.text == "struct" || t.text == "union":
		typ, err = p.structType(t.text)
	case t.text == "enum":
		typ, err = p.enumType()
	case intWords[t.text]:
		typ = p.integer(t)
	default:
		typ, err = p.named("", t)
	}
	p.skipQualifiers()
	return typ, err
}

func (p *cParser) skipQualifiers() {
	for p.peek().kind == cWord && qualifiers[p.peek().text] {
		p.at++
	}
}

// integer reads an integer type of several words in any order.
func (p *cParser) integer(first cToken) Type {
	words := []string{first.text}
	for p.peek().kind == cWord && (intWords[p.peek().text] || qualifiers[p.peek().text]) {
		if w := p.next().text; intWords[w] {
			words = append(words, w)
		}
	}
	sort.Strings(words)
	all := " " + strings.Join(words, " ") + " "
	t := Int{Bits: 32, Signed: !strings.Contains(all, " unsigned ")}
	switch {
	case strings.Contains(all, " char "):
		t.Bits = 8
	case strings.Contains(all, " short "):
		t.Bits = 16
	case strings.Contains(all, " long "):
		t.Bits = 64
	}
	return t
}

// named finds a type by its name.
func (p *cParser) named(keyword string, name cToken) (Type, error) {
	if t, ok := p.find(keyword, name.text); ok {
		return t, nil
	}
	if keyword != "" && p.peek().is("*") {
		return Void{}, nil // a pointer to something that nobody looks into
	}
	return nil, cErrorf(name, "there is no type %s", strings.TrimSpace(keyword+" "+name.text))
}

// attributes reads __attribute__((…)): packed and aligned(n) change the layout.
func (p *cParser) attributes() (packed bool, align int, err error) {
	for p.accept("__attribute__") {
		depth := 0
		for {
			t := p.next()
			switch {
			case t.kind == cEnd:
				return false, 0, cErrorf(t, "__attribute__ is never closed")
			case t.is("("):
				depth++
			case t.is(")"):
				depth--
			case t.text == "packed" || t.text == "__packed__":
				packed = true
			case t.text == "aligned" || t.text == "__aligned__":
				align = 8
				if p.peek().is("(") && p.at+1 < len(p.tokens) && p.tokens[p.at+1].kind == cInt {
					align = int(min(p.tokens[p.at+1].value, 4096))
				}
			}
			if depth == 0 {
				break
			}
		}
	}
	if p.accept("__packed") {
		packed = true
	}
	return packed, max(align, 0), nil
}

// structType reads what follows the word struct or union.
func (p *cParser) structType(keyword string) (Type, error) {
	packed, align, err := p.attributes()
	if err != nil {
		return nil, err
	}
	name := ""
	at := p.peek()
	if at.kind == cWord {
		name = p.next().text
	}
	if !p.accept("{") {
		if name == "" {
			return nil, cErrorf(at, "expected the name of a %s before %s", keyword, at)
		}
		return p.named(keyword, at)
	}
	l := &cLayout{union: keyword == "union"}
	s := NewStruct(name, l.union, 0, 0, func() []Field { return l.fields })
	if name != "" {
		if old := p.structs[keyword+" "+name]; old != nil {
			return nil, cErrorf(at, "%s %s is defined twice", keyword, name)
		}
		p.structs[keyword+" "+name] = s
	}
	p.align[s] = 0 // not complete yet
	members, err := p.members(s)
	if err != nil {
		return nil, err
	}
	after, wide, err := p.attributes()
	if err != nil {
		return nil, err
	}
	l.packed = packed || after
	for _, m := range members {
		l.add(m)
	}
	s.Bytes, p.align[s] = l.finish(max(align, wide))
	return s, nil
}

// members reads the declarations of a struct or union and its closing brace.
func (p *cParser) members(s *Struct) ([]cMember, error) {
	var out []cMember
	for !p.accept("}") {
		base, err := p.specifier()
		if err != nil {
			return nil, err
		}
		if inner, ok := base.(*Struct); ok && inner.Name == "" && (p.peek().is(";") || p.peek().is("}")) {
			out = append(out, cMember{typ: inner, align: p.align[inner]})
		} else if out, err = p.declarators(out, base); err != nil {
			return nil, err
		}
		// The last semicolon may be missing, as bpftrace lets it.
		if !p.accept(";") && !p.peek().is("}") {
			return nil, cErrorf(p.peek(), "expected ';' before %s", p.peek())
		}
	}
	return out, nil
}

// declarators reads `*a, b[4], c:3`.
func (p *cParser) declarators(out []cMember, base Type) ([]cMember, error) {
	if p.peek().is(";") || p.peek().is("}") {
		return out, nil // struct inner { … }; without a member
	}
	for {
		m, err := p.declarator(base)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
		if !p.accept(",") {
			return out, nil
		}
	}
}

func (p *cParser) declarator(base Type) (cMember, error) {
	m := cMember{typ: base, bits: -1}
	for p.accept("*") {
		p.skipQualifiers()
		m.typ = Pointer{Elem: m.typ}
	}
	if p.peek().is("(") {
		return p.function(m)
	}
	at := p.peek()
	if at.kind == cWord {
		m.name = p.next().text
	} else if !at.is(":") {
		return m, cErrorf(at, "expected a name before %s", at)
	}
	if err := p.dims(&m.typ); err != nil {
		return m, err
	}
	if p.accept(":") {
		n, err := p.constExpr(0)
		t, isInt := m.typ.(Int)
		switch {
		case err != nil:
			return m, err
		case !isInt || n < 0 || n > int64(t.Bits):
			return m, cErrorf(at, "%d bits do not fit a bitfield of type %s", n, m.typ)
		}
		m.bits = int(n)
	}
	packed, align, err := p.attributes()
	m.packed, m.aligned = packed, align
	if err != nil {
		return m, err
	}
	if _, void := m.typ.(Void); void {
		return m, cErrorf(at, "%s has no type with a size", at)
	}
	if s, ok := m.typ.(*Struct); ok && p.incomplete(s) {
		return m, cErrorf(at, "%s is not complete here", s)
	}
	m.align = p.alignOf(m.typ)
	return m, nil
}

func (p *cParser) incomplete(s *Struct) bool {
	a, own := p.align[s]
	return own && a == 0
}

// maxArray is the largest array, in bytes.
const maxArray = 1 << 30

// dims reads the sizes of an array, the outermost first.
func (p *cParser) dims(t *Type) error {
	var sizes []int
	total := int64(max((*t).Size(), 1))
	for p.accept("[") {
		at := p.peek()
		n := int64(0)
		if !at.is("]") {
			var err error
			if n, err = p.constExpr(0); err != nil {
				return err
			}
		}
		if n < 0 || n > maxArray || total*max(n, 1) > maxArray {
			return cErrorf(at, "an array can not have %d elements", n)
		}
		total *= max(n, 1)
		if err := p.expect("]"); err != nil {
			return err
		}
		sizes = append(sizes, int(n))
	}
	if s, ok := (*t).(*Struct); ok && len(sizes) > 0 && p.incomplete(s) {
		return cErrorf(p.peek(), "%s is not complete here", s)
	}
	for i := len(sizes) - 1; i >= 0; i-- {
		*t = Array{Elem: *t, Len: sizes[i]}
	}
	return nil
}

// function reads a pointer to a function, `(*name)(arguments)`, which is a pointer to nothing in particular.
func (p *cParser) function(m cMember) (cMember, error) {
	p.next()
	if err := p.expect("*"); err != nil {
		return m, err
	}
	name := p.next()
	if name.kind != cWord {
		return m, cErrorf(name, "expected a name before %s", name)
	}
	m.name, m.typ, m.align = name.text, Pointer{Elem: Void{}}, 8
	if err := p.expect(")"); err != nil {
		return m, err
	}
	if err := p.expect("("); err != nil {
		return m, err
	}
	for depth := 1; depth > 0; {
		t := p.next()
		switch {
		case t.kind == cEnd:
			return m, cErrorf(t, "expected ')' before %s", t)
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
	}
	return m, nil
}

// enumType reads what follows the word enum.
func (p *cParser) enumType() (Type, error) {
	name := ""
	at := p.peek()
	if at.kind == cWord {
		name = p.next().text
	}
	if !p.accept("{") {
		return p.named("enum", at)
	}
	e := &Enum{Name: name, Values: map[int64]string{}}
	var names []string
	signed, value := false, int64(0)
	for !p.accept("}") {
		k := p.next()
		if k.kind != cWord {
			return nil, cErrorf(k, "expected a constant before %s", k)
		}
		if p.accept("=") {
			var err error
			if value, err = p.constExpr(0); err != nil {
				return nil, err
			}
		}
		if _, twice := p.consts[k.text]; twice {
			return nil, cErrorf(k, "%s is defined twice", k.text)
		}
		p.consts[k.text] = cConst{value: value}
		names = append(names, k.text)
		if _, have := e.Values[value]; !have {
			e.Values[value] = k.text
		}
		signed = signed || value < 0
		value++
		if !p.accept(",") && !p.peek().is("}") {
			return nil, cErrorf(p.peek(), "expected ',' before %s", p.peek())
		}
	}
	t := Int{Bits: 32, Signed: signed, Enum: e}
	for v := range e.Values {
		if v > 1<<32-1 || v < -1<<31 || signed && v > 1<<31-1 {
			t.Bits = 64
		}
	}
	for _, n := range names {
		p.consts[n] = cConst{typ: t, value: p.consts[n].value}
	}
	if name != "" {
		p.enums[name] = t
	}
	_, _, err := p.attributes()
	return t, err
}
