package scriptgen

import (
	"fmt"
	"slices"
	"strings"
)

// kind is the rough type of an expression.
type kind int

const (
	intKind kind = iota
	boolKind
	strKind
	tupleKind
	ptrKind    // a pointer to name
	objectKind // a struct, an array or a time, by name
)

// shape is what the generator needs to know of an expression's type: two of the same shape can be assigned to the same
// variable, whatever the sizes of the integers and strings in them.
type shape struct {
	kind  kind
	name  string  // of pointers and objects; recordName of a tuple whose elements have names
	elems []shape // of tuples
}

var (
	anInt = shape{kind: intKind}
	aBool = shape{kind: boolKind}
	aStr  = shape{kind: strKind}

	aTask = shape{kind: ptrKind, name: "struct task_struct"}
	aRec  = shape{kind: ptrKind, name: "struct gen_outer"}
	aWord = shape{kind: ptrKind, name: "uint32"}

	aLoad = shape{kind: objectKind, name: "struct load_weight"}
	anUID = shape{kind: objectKind, name: "kuid_t"}
	anIn  = shape{kind: objectKind, name: "struct gen_inner"}
	anOut = shape{kind: objectKind, name: "struct gen_outer"}
	nums  = shape{kind: objectKind, name: "int32[5]"}
	eight = shape{kind: objectKind, name: "uint8[8]"}
	aTime = shape{kind: objectKind, name: "time"}

	aStack  = shape{kind: objectKind, name: "stack"}
	aSymbol = shape{kind: objectKind, name: "symbol"}
	aUser   = shape{kind: objectKind, name: "user symbol"}
	anInet  = shape{kind: objectKind, name: "inet"}
	aMAC    = shape{kind: objectKind, name: "mac"}
	aBuffer = shape{kind: objectKind, name: "buffer"}
	aGroup  = shape{kind: objectKind, name: "cgroup path"}
	aName   = shape{kind: objectKind, name: "username"}
)

// rare are the shapes that are seldom needed.
var rare = []shape{aTask, aRec, aWord, aLoad, anUID, anIn, anOut, nums, eight, aTime}

// moreRare are those and the ones of Options.More.
var moreRare = append(slices.Clone(rare), aStack, aSymbol, aUser, anInet, aMAC, aBuffer, aGroup, aName)

func (s shape) equal(o shape) bool {
	return s.kind == o.kind && s.name == o.name && slices.EqualFunc(s.elems, o.elems, shape.equal)
}

// shape returns a random one, tuples in tuples down to a depth.
func (g *gen) shape(depth int) shape {
	switch n := g.r.IntN(20); {
	case n < 9:
		return anInt
	case n < 14:
		return aStr
	case n < 15:
		return aBool
	case n < 18 && depth > 0:
		t := shape{kind: tupleKind}
		if g.chance(40) {
			t.name = recordName
		}
		for range 1 + g.r.IntN(4) {
			t.elems = append(t.elems, g.shape(depth-1))
		}
		return t
	case n < 19:
		if g.more {
			return pick(g.r, moreRare)
		}
		return pick(g.r, rare)
	}
	return anInt
}

// value is an available expression, with its shape.
type value struct {
	text  string
	shape shape
}

// parts are a value and what can be read out of it, over at most some pointers and structs.
func parts(v value, depth int) []value {
	list := []value{v}
	for i, e := range v.shape.elems {
		part := fmt.Sprintf("%s.%d", v.text, i)
		if v.shape.name == recordName {
			part = v.text + "." + elementName(i)
		}
		list = append(list, parts(value{part, e}, depth)...)
	}
	if depth == 0 {
		return list
	}
	for _, f := range fields[v.shape.name] {
		list = append(list, parts(value{v.text + f.text, f.shape}, depth-1)...)
	}
	return list
}

// atHand are the parts of the variables in scope that have a shape.
func (g *gen) atHand(s shape) []string {
	var fit []string
	for _, v := range g.vars {
		for _, p := range parts(value{v.name, v.shape}, 2) {
			if p.shape.equal(s) {
				fit = append(fit, p.text)
			}
		}
	}
	return fit
}

// recordName marks the shapes of records.
const recordName = "record"

// elementName is the name of an element of a record.
func elementName(i int) string { return fmt.Sprintf("e%d", i) }

// tupleText puts elements together, those of a record in any order.
func (g *gen) tupleText(s shape, elems []string) string {
	if s.name == recordName {
		var named []string
		for _, i := range g.r.Perm(len(elems)) {
			named = append(named, elementName(i)+"="+elems[i])
		}
		return "(" + strings.Join(named, ", ") + ")"
	}
	if len(elems) == 1 {
		return "(" + elems[0] + ",)"
	}
	return "(" + strings.Join(elems, ", ") + ")"
}
