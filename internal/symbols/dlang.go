package symbols

import (
	"strconv"
	"strings"
)

// demangleD gives the name that the source of D has for a symbol (https://dlang.org/spec/abi.html#name_mangling), with and without the
// parameters; ok is false for what is no such name.
func demangleD(symbol string) (full, short string, ok bool) {
	if symbol == "_Dmain" {
		return "D main", "D main", true
	}
	if !strings.HasPrefix(symbol, "_D") || len(symbol) > dLongest {
		return "", "", false
	}
	d := &dName{text: symbol, at: len("_D"), ok: true}
	short, params := d.qualified()
	if !d.ok || short == "" || d.at >= len(symbol) { // a type or a Z follows
		return "", "", false
	}
	return short + params, short, true
}

// dLongest is the longest name of D that is read, dSteps how much of it with all that it refers to, dMost how long that is, and dDeepest how deep it is nested:
// a small symbol can stand for gigabytes.
const (
	dLongest = 4096
	dSteps   = 4096
	dDeepest = 64
	dMost    = 16 << 10
)

// dName is a name of D that is being read. ok gets lost where it is none.
type dName struct {
	text         string
	at           int
	depth, steps int
	size         int // of the names that were read
	ok           bool
}

// enter counts what could go on for ever; leave must follow.
func (d *dName) enter() bool {
	d.depth++
	d.steps++
	d.ok = d.ok && d.depth < dDeepest && d.steps < dSteps
	return d.ok
}

func (d *dName) leave() { d.depth-- }

func (d *dName) fail() string {
	d.ok = false
	return ""
}

// peek is the next character, 0 behind the last.
func (d *dName) peek() byte {
	if d.ok && d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

// skip goes over a text if it comes next.
func (d *dName) skip(text string) bool {
	if !d.ok || !strings.HasPrefix(d.text[d.at:], text) {
		return false
	}
	d.at += len(text)
	return true
}

// number reads decimal digits.
func (d *dName) number() int {
	start := d.at
	for c := d.peek(); c >= '0' && c <= '9'; c = d.peek() {
		d.at++
	}
	n, err := strconv.Atoi(d.text[start:d.at])
	if err != nil {
		d.ok = false
	}
	return n
}

// backReference reads a Q with the distance to what is meant: digits of base 26, the last of which is a small letter. It gives the place.
func (d *dName) backReference() int {
	from, n := d.at, 0
	for d.at++; ; d.at++ {
		c := d.peek()
		small := c >= 'a' && c <= 'z'
		if !small && (c < 'A' || c > 'Z') || n > dLongest {
			d.ok = false
			return 0
		}
		if small {
			n = n*26 + int(c-'a')
			d.at++
			break
		}
		n = n*26 + int(c-'A')
	}
	if n <= 0 || n > from {
		d.ok = false
		return 0
	}
	return from - n
}

// elsewhere reads something that lies at another place.
func (d *dName) elsewhere(at int, read func() string) string {
	back := d.at
	d.at = at
	text := read()
	d.at = back
	return text
}

// qualified reads names with dots between them. params are those of the last, if it is a function.
func (d *dName) qualified() (name, params string) {
	if !d.enter() {
		return "", ""
	}
	defer d.leave()
	var parts []string
	for d.isName() {
		if d.skip("0") { // anonymous
			continue
		}
		part, of := d.name(), ""
		if params = ""; d.ok {
			params, of = d.functionParams()
		}
		if !d.isName() {
			parts, params = append(parts, part), params+of
			break
		}
		parts = append(parts, part+params+of) // it is within that function
	}
	return strings.Join(parts, "."), params
}

// isName says whether a name comes next, and not a type.
func (d *dName) isName() bool {
	c := d.peek()
	if c == 'Q' {
		at := d.at
		target := d.backReference()
		d.at = at
		digit := d.ok && d.text[target] >= '0' && d.text[target] <= '9'
		return digit
	}
	return c >= '0' && c <= '9' || d.ok && (strings.HasPrefix(d.text[d.at:], "__T") || strings.HasPrefix(d.text[d.at:], "__U"))
}

// dSpecial are functions that the source names otherwise.
var dSpecial = map[string]string{"__ctor": "this", "__dtor": "~this"}

// name reads one name.
func (d *dName) name() string {
	if !d.enter() {
		return ""
	}
	defer d.leave()
	switch {
	case d.peek() == 'Q':
		return d.elsewhere(d.backReference(), d.name)
	case d.skip("__T"), d.skip("__U"):
		return d.template()
	}
	n := d.number()
	if !d.ok || n == 0 || n > len(d.text)-d.at {
		return d.fail()
	}
	end := d.at + n
	if d.skip("__T") || d.skip("__U") { // as older compilers have it
		name := d.template()
		d.ok = d.ok && d.at == end
		return name
	}
	name := d.text[d.at:end]
	d.at = end
	if d.size += n; d.size > dMost {
		return d.fail()
	}
	if special := dSpecial[name]; special != "" {
		return special
	}
	return name
}

// template reads a name and arguments: name!(int, 3).
func (d *dName) template() string {
	name := d.name()
	var args []string
	for d.ok && !d.skip("Z") {
		d.skip("H")
		switch {
		case d.skip("T"):
			args = append(args, d.typ())
		case d.skip("V"):
			args = append(args, d.value(d.typ()))
		case d.skip("S"):
			args = append(args, d.alias())
		case d.skip("X"):
			n := d.number()
			if !d.ok || n > len(d.text)-d.at {
				return d.fail()
			}
			args = append(args, d.text[d.at:d.at+n])
			d.at += n
		default:
			return d.fail()
		}
	}
	return name + "!(" + strings.Join(args, ", ") + ")"
}

// dSuffixes are those of numbers.
var dSuffixes = map[string]string{"uint": "u", "long": "L", "ulong": "uL"}

// alias reads a name that is a template's argument; with its type if it is mangled whole.
func (d *dName) alias() string {
	mangled := d.skip("_D")
	name, params := d.qualified()
	if mangled {
		d.typ()
	}
	return name + params
}

// value reads the value of a template's argument.
func (d *dName) value(typ string) string {
	if !d.enter() {
		return ""
	}
	defer d.leave()
	switch c := d.peek(); {
	case d.skip("n"):
		return "null"
	case d.skip("N"):
		return "-" + strconv.Itoa(d.number()) + dSuffixes[typ]
	case d.skip("i"), c >= '0' && c <= '9':
		n := d.number()
		switch {
		case typ == "bool":
			return strconv.FormatBool(n != 0)
		case typ == "char" || typ == "wchar" || typ == "dchar":
			return strconv.QuoteRune(rune(n))
		}
		return strconv.Itoa(n) + dSuffixes[typ]
	case d.skip("a"), d.skip("w"), d.skip("d"):
		return d.textValue()
	case d.skip("A"):
		return "[" + d.values() + "]"
	case d.skip("S"):
		return typ + "(" + d.values() + ")"
	}
	return d.fail()
}

// values reads a count and as many values.
func (d *dName) values() string {
	var list []string
	for range min(d.number(), dSteps) {
		if !d.ok {
			break
		}
		list = append(list, d.value(""))
	}
	return strings.Join(list, ", ")
}

// textValue reads a string as hexadecimal digits.
func (d *dName) textValue() string {
	n := d.number()
	if !d.skip("_") || n > (len(d.text)-d.at)/2 {
		return d.fail()
	}
	var b []byte
	for range n {
		c, err := strconv.ParseUint(d.text[d.at:d.at+2], 16, 8)
		if err != nil {
			return d.fail()
		}
		b = append(b, byte(c))
		d.at += 2
	}
	return strconv.Quote(string(b))
}
