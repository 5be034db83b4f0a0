package ctypes

import (
	"sort"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// cParser reads declarations and constants from tokens without macros.
type cParser struct {
	*Types
	tokens  []CToken
	at      int
	depth   int
	unused  int // operands around this place that decide nothing
	mode    cMode
	storage cStorage
}

// cStorage is what a declaration says beside its type.
type cStorage struct{ typedef bool }

func (p *cParser) peek() CToken {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	if n := len(p.tokens); n > 0 {
		return p.tokens[n-1].end()
	}
	return CToken{}
}

func (p *cParser) next() CToken {
	t := p.peek()
	p.at++
	return t
}

func (p *cParser) accept(text string) bool {
	if t := p.peek(); t.Text == text && (t.Kind == CPunct || t.Kind == CWord) {
		p.at++
		return true
	}
	return false
}

func (p *cParser) expect(text string) error {
	if p.accept(text) {
		return nil
	}
	return CErrorf(p.peek(), "expected '%s' before %s", text, p.peek())
}

// qualifiers change nothing of a type's layout.
var qualifiers = map[string]bool{
	"const": true, "volatile": true, "restrict": true, "static": true, "extern": true, "inline": true, "register": true,
	"__const": true, "__const__": true, "__volatile__": true, "__volatile": true, "__restrict": true, "__restrict__": true,
	"__inline": true, "__inline__": true, "__extension__": true, "_Noreturn": true, "_Atomic": true, "_Thread_local": true,
	"__thread": true, "__user": true, "__kernel": true, "__iomem": true, "__rcu": true, "__percpu": true, "__force": true,
	"__always_inline": true, "__randomize_layout": true, "__bitwise": true,
}

// intWords are the words that the name of a number's type can be made of.
var intWords = map[string]bool{
	"unsigned": true, "signed": true, "char": true, "short": true, "int": true, "long": true, "float": true, "double": true,
	"__int128": true, "__signed__": true, "__signed": true,
}

// floatWords are the floating-point types that are one word, with their sizes.
var floatWords = map[string]int{
	"_Float16": 2, "__bf16": 2, "_Float32": 4, "_Float32x": 8, "_Float64": 8, "_Float64x": 16, "_Float128": 16, "__float128": 16, "__float80": 16,
}

// specifier reads what a declaration begins with: a type, with its attributes.
func (p *cParser) specifier() (cType, cAttrs, error) {
	if p.depth++; p.depth > cMaxDepth {
		return cType{}, cAttrs{}, CErrorf(p.peek(), "this nests too deep")
	}
	defer func() { p.depth-- }()
	attrs, err := p.qualify()
	if err != nil {
		return cType{}, attrs, err
	}
	t := p.next()
	if t.Kind != CWord {
		return cType{}, attrs, CErrorf(t, "expected a type before %s", t)
	}
	var typ cType
	switch {
	case t.Text == "struct" || t.Text == "union":
		typ, err = p.structType(t.Text)
	case t.Text == "enum":
		typ, err = p.enumType()
	case intWords[t.Text]:
		typ, err = p.number(t)
	case floatWords[t.Text] > 0:
		typ = cFloat(floatWords[t.Text])
	case typeofWords[t.Text]:
		typ, err = p.typeofType()
	default:
		typ, err = p.named("", t)
	}
	if err != nil {
		return typ, attrs, err
	}
	after, err := p.qualify()
	return typ, attrs.with(after), err
}

var typeofWords = map[string]bool{"typeof": true, "__typeof__": true, "__typeof": true}

func (p *cParser) typeofType() (cType, error) {
	if err := p.expect("("); err != nil {
		return cType{}, err
	}
	t, err := p.typeName()
	if err == nil {
		err = p.expect(")")
	}
	return t, err
}

// qualify reads qualifiers, words of storage and attributes.
func (p *cParser) qualify() (cAttrs, error) {
	var all cAttrs
	for {
		t := p.peek()
		switch {
		case t.Kind == CWord && qualifiers[t.Text]:
			p.at++
		case t.Kind == CWord && t.Text == "typedef":
			p.storage.typedef = true
			p.at++
		default:
			a, err := p.attributes()
			if err != nil || a == (cAttrs{}) {
				return all, err
			}
			all = all.with(a)
		}
	}
}

// number reads a number's type of several words in any order.
func (p *cParser) number(first CToken) (cType, error) {
	words := []string{first.Text}
	for p.peek().Kind == CWord && (intWords[p.peek().Text] || qualifiers[p.peek().Text] || p.peek().Text == "typedef") {
		w := p.next().Text
		switch {
		case intWords[w]:
			words = append(words, w)
		case w == "typedef":
			p.storage.typedef = true
		}
	}
	sort.Strings(words)
	all := " " + strings.Join(words, " ") + " "
	has := func(w string) bool { return strings.Contains(all, " "+w+" ") }
	t := types.Int{Bits: 32, Signed: !has("unsigned")}
	switch {
	case has("float"):
		return cFloat(4), nil
	case has("double") && has("long"):
		return cFloat(16), nil
	case has("double"):
		return cFloat(8), nil
	case has("__int128"):
		return cType{types.Array{Elem: types.Int{Bits: 64}, Len: 2}, 16}, nil
	case has("char"):
		t.Bits = 8
		t.Number = has("signed") || has("__signed__") || has("__signed")
	case has("short"):
		t.Bits = 16
	case has("long"):
		t.Bits = 64
	}
	return cType{t, t.Bits / 8}, nil
}

func cFloat(size int) cType {
	return cType{types.Array{Elem: types.TypeUint8, Len: size, Float: true}, size}
}

// named finds a type by its name.
func (p *cParser) named(keyword string, name CToken) (cType, error) {
	if keyword == "" {
		if t, ok := p.typedefs[name.Text]; ok {
			return t, nil
		}
	}
	if keyword == "struct" || keyword == "union" {
		return p.tag(keyword, name), nil
	}
	if t, ok := p.Find(keyword, name.Text); ok {
		return cType{t, p.alignOf(t)}, nil
	}
	if keyword == "enum" && !p.peek().is("*") {
		return cType{}, p.unknown(keyword, name)
	}
	if keyword == "enum" {
		return cType{types.Void{}, 1}, nil
	}
	return cType{}, p.unknown(keyword, name)
}

func (p *cParser) unknown(keyword string, name CToken) error {
	return CErrorf(name, "there is no type %s", strings.TrimSpace(keyword+" "+name.Text))
}

// beginsType says whether a type comes next.
func (p *cParser) beginsType() bool {
	t := p.peek()
	if t.Kind != CWord {
		return false
	}
	switch {
	case t.Text == "struct", t.Text == "union", t.Text == "enum", intWords[t.Text], floatWords[t.Text] > 0, qualifiers[t.Text], typeofWords[t.Text]:
		return true
	}
	if _, ok := p.consts[t.Text]; ok {
		return false
	}
	// A name alone in parentheses, or before a star, can be a type; one before an operator cannot.
	if p.at+1 < len(p.tokens) {
		if after := p.tokens[p.at+1]; after.Kind == CPunct && !after.is(")") && !after.is("*") && !after.is("(") && !after.is("[") && !after.is(",") {
			return false
		}
	}
	_, ok := p.Find("", t.Text)
	return ok
}

// typeName reads a type without a name: in a cast, in sizeof.
func (p *cParser) typeName() (cType, error) {
	base, attrs, err := p.specifier()
	if err != nil {
		return base, err
	}
	d, err := p.declarator(base)
	if err == nil && d.name.Kind != cEnd {
		err = CErrorf(d.name, "a type ends before %s", d.name)
	}
	return attrs.apply(d.cType), err
}
