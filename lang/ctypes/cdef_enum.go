package ctypes

import (
	"math"

	"github.com/gotrace/gotrace/lang/types"
)

// cEnumerator is a constant of an enum that is being read.
type cEnumerator struct {
	name     string
	value    int64
	unsigned bool // the value is above those of int64
}

// enumType reads what follows the word enum.
func (p *cParser) enumType() (cType, error) {
	attrs, err := p.attributes()
	if err != nil {
		return cType{}, err
	}
	name := ""
	at := p.peek()
	if at.Kind == CWord {
		name = p.next().Text
	}
	if !p.accept("{") {
		if name == "" {
			return cType{}, CErrorf(at, "expected the name of an enum before %s", at)
		}
		return p.named("enum", at)
	}
	if name != "" {
		if _, twice := p.enums[name]; twice {
			return cType{}, CErrorf(at, "enum %s is defined twice", name)
		}
		if err := p.otherTag("enum", at); err != nil {
			return cType{}, err
		}
	}
	list, err := p.enumerators()
	if err != nil {
		return cType{}, err
	}
	after, err := p.attributes()
	if err != nil {
		return cType{}, err
	}
	t := enumInt(list, attrs.with(after).packed)
	t.Enum = &types.Enum{Name: name, Values: map[int64]string{}}
	for _, e := range list {
		if _, have := t.Enum.Values[e.value]; !have {
			t.Enum.Values[e.value] = e.name
		}
		p.consts[e.name] = cConst{typ: t, value: e.value}
	}
	if name != "" {
		p.enums[name] = t
	}
	return attrs.with(after).apply(cType{t, t.Bits / 8}), nil
}

// enumerators reads the constants of an enum, and the closing brace.
func (p *cParser) enumerators() ([]cEnumerator, error) {
	var list []cEnumerator
	value, over := cValue{bits: 32}, false
	for !p.accept("}") {
		k := p.next()
		if k.Kind != CWord {
			return nil, CErrorf(k, "expected a constant before %s", k)
		}
		if _, err := p.attributes(); err != nil {
			return nil, err
		}
		if p.accept("=") {
			var err error
			if value, err = p.plainConst(); err != nil {
				return nil, err
			}
		} else if over {
			return nil, CErrorf(k, "%s would be larger than 64 bits hold", k.Text)
		}
		if _, isType := p.typedefs[k.Text]; isType {
			return nil, CErrorf(k, "%s is a type already", k.Text)
		}
		if _, twice := p.consts[k.Text]; twice {
			return nil, CErrorf(k, "%s is defined twice", k.Text)
		}
		e := cEnumerator{name: k.Text, value: int64(value.n), unsigned: value.unsigned && value.n > math.MaxInt64}
		list = append(list, e)
		p.consts[k.Text] = cConst{typ: value.intType(), value: e.value}
		if value.n == math.MaxInt64 {
			value.unsigned = true
		}
		over = value.unsigned && value.n == math.MaxUint64
		value.n++
		value.bits = 64
		if !p.accept(",") && !p.peek().is("}") {
			return nil, CErrorf(p.peek(), "expected ',' before %s", p.peek())
		}
	}
	return list, nil
}

// intType is the type of a value.
func (v cValue) intType() types.Int { return types.Int{Bits: v.bits, Signed: !v.unsigned} }

// enumInt is the integer that holds all constants of an enum, as gcc chooses it: unsigned if none is negative, of the width of an int
// where that is enough; a packed enum takes the smallest.
func enumInt(list []cEnumerator, packed bool) types.Int {
	least, most, huge := int64(0), int64(0), false
	for _, e := range list {
		if e.unsigned {
			huge = true
			continue
		}
		least, most = min(least, e.value), max(most, e.value)
	}
	t := types.Int{Bits: 32, Signed: least < 0}
	if packed {
		t.Bits = 8
	}
	for t.Bits < 64 && (huge || least < -1<<(t.Bits-1) || t.Signed && most > 1<<(t.Bits-1)-1 || !t.Signed && most > 1<<t.Bits-1) {
		t.Bits *= 2
	}
	return t
}
