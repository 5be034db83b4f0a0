package symbols

import (
	"strconv"
	"strings"
)

// dTypes are the types of D with a letter of their own.
var dTypes = map[byte]string{
	'v': "void", 'g': "byte", 'h': "ubyte", 's': "short", 't': "ushort", 'i': "int", 'k': "uint", 'l': "long", 'm': "ulong",
	'f': "float", 'd': "double", 'e': "real", 'o': "ifloat", 'p': "idouble", 'j': "ireal", 'q': "cfloat", 'r': "cdouble", 'c': "creal",
	'b': "bool", 'a': "char", 'u': "wchar", 'w': "dchar", 'n': "typeof(null)",
}

// dLongTypes have two letters.
var dLongTypes = map[string]string{"zi": "cent", "zk": "ucent", "Nn": "noreturn"}

// dModifiers are written around a type.
var dModifiers = []struct{ letters, word string }{{"x", "const"}, {"y", "immutable"}, {"O", "shared"}, {"Ng", "inout"}, {"Nh", "__vector"}}

// typ reads a type.
func (d *dName) typ() string {
	if !d.enter() {
		return ""
	}
	defer d.leave()
	for _, m := range dModifiers {
		if d.skip(m.letters) {
			return m.word + "(" + d.typ() + ")"
		}
	}
	for letters, name := range dLongTypes {
		if d.skip(letters) {
			return name
		}
	}
	c := d.peek()
	if name := dTypes[c]; name != "" {
		d.at++
		return name
	}
	switch {
	case c == 'Q':
		return d.elsewhere(d.backReference(), d.typ)
	case isDConvention(c):
		return d.function("function")
	case d.skip("A"):
		return d.typ() + "[]"
	case d.skip("G"):
		n := d.number()
		return d.typ() + "[" + strconv.Itoa(n) + "]"
	case d.skip("H"):
		key := d.typ()
		return d.typ() + "[" + key + "]"
	case d.skip("P"):
		if isDConvention(d.peek()) {
			return d.function("function")
		}
		return d.typ() + "*"
	case d.skip("D"):
		for _, m := range dModifiers {
			d.skip(m.letters)
		}
		return d.function("delegate")
	case d.skip("C"), d.skip("S"), d.skip("E"), d.skip("T"), d.skip("I"):
		name, params := d.qualified()
		if name == "" {
			return d.fail()
		}
		return name + params
	case d.skip("B"):
		var list []string
		for range min(d.number(), dSteps) {
			if !d.ok {
				break
			}
			list = append(list, d.typ())
		}
		return "tuple(" + strings.Join(list, ", ") + ")"
	}
	return d.fail()
}

// isDConvention says whether a letter begins the type of a function: it is the calling convention.
func isDConvention(c byte) bool { return c != 0 && strings.IndexByte("FUWRY", c) >= 0 }

// function reads the type of a function, or a delegate.
func (d *dName) function(word string) string {
	params, _ := d.functionParams()
	result := d.typ()
	return result + " " + word + params
}

// dAttributes are those of functions, which are not shown.
var dAttributes = []string{"Na", "Nb", "Nc", "Nd", "Ne", "Nf", "Ni", "Nj", "Nl", "Nm"}

// dStorage is what may stand before the type of a parameter.
var dStorage = []struct{ letters, word string }{
	{"M", "scope "}, {"Nk", "return "}, {"I", "in "}, {"J", "out "}, {"K", "ref "}, {"L", "lazy "},
}

// functionParams reads the parameters of a function, "" if what comes next is none, and what it says of its this: "(int, char)" and " const".
func (d *dName) functionParams() (params, of string) {
	start := d.at
	if d.skip("M") { // it has a this, which may be const
		for found := true; found; {
			found = false
			for _, m := range dModifiers {
				if d.skip(m.letters) {
					of, found = of+" "+m.word, true
				}
			}
		}
	}
	if !isDConvention(d.peek()) {
		d.at = start
		return "", ""
	}
	d.at++
	for found := true; found; {
		found = false
		for _, a := range dAttributes {
			found = found || d.skip(a)
		}
	}
	var list []string
	for d.ok {
		switch {
		case d.skip("Z"):
			return "(" + strings.Join(list, ", ") + ")", of
		case d.skip("X"):
			return "(" + strings.Join(list, ", ") + "...)", of
		case d.skip("Y"):
			return "(" + strings.Join(append(list, "..."), ", ") + ")", of
		}
		storage := ""
		for found := true; found; {
			found = false
			for _, s := range dStorage {
				if d.skip(s.letters) {
					storage, found = storage+s.word, true
				}
			}
		}
		list = append(list, storage+d.typ())
	}
	return "", ""
}
