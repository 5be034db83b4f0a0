package interp

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

func (m *Machine) call(e *ast.Call) any {
	switch e.Name {
	case "print":
		m.print(e)
	case "printf":
		m.printf(e)
	case "exit":
		m.left = true
		if len(e.Args) > 0 {
			m.eval(e.Args[0])
		}
	case "clear", "zero":
		m.empty(e)
	case "delete":
		return m.remove(e)
	case "has_key":
		t, key := m.named(e)
		return boolean(t.elems[keyText(key)] != nil)
	case "len":
		if ref, ok := e.Args[0].(*ast.MapRef); ok && !ref.Indexed {
			return int64(len(m.maps[ref.Name].elems))
		}
		dontKnow("len")
	case "nsecs":
		return int64(someTime)
	default:
		return m.ofText(e)
	}
	return nil
}

// ofText are the functions that are about text and bytes.
func (m *Machine) ofText(e *ast.Call) any {
	switch e.Name {
	case "str":
		return m.str(e)
	case "buf":
		return m.buf(e)
	case "strlen":
		return int64(len(m.text(e.Args[0])))
	case "strcontains":
		return boolean(strings.Contains(m.text(e.Args[0]), m.text(e.Args[1])))
	case "strstr":
		return int64(strings.Index(m.text(e.Args[0]), m.text(e.Args[1])))
	case "strncmp":
		x, y, n := m.text(e.Args[0]), m.text(e.Args[1]), number(m.eval(e.Args[2]))
		if n < 0 {
			dontKnow("the first %d characters", n)
		}
		return boolean(x[:min(int(n), len(x))] != y[:min(int(n), len(y))])
	case "str_concat":
		all := m.text(e.Args[0]) + m.text(e.Args[1])
		if convert(all, m.prog.Types[e]) != all {
			dontKnow("how a string is cut")
		}
		return all
	case "clamp":
		x, low, high := m.eval(e.Args[0]), m.eval(e.Args[1]), m.eval(e.Args[2])
		t := m.prog.Types[e]
		switch x, low, high := convert(x, t), convert(low, t), convert(high, t); {
		case less(high, low, t):
			dontKnow("clamp of limits the wrong way round")
		case less(x, low, t):
			return low
		case less(high, x, t):
			return high
		default:
			return x
		}
	case "bswap":
		t, ok := m.prog.Types[e].(types.Int)
		if !ok {
			dontKnow("bswap of %s", m.prog.Types[e])
		}
		return int64(bits.ReverseBytes64(uint64(number(m.eval(e.Args[0])))) >> (64 - t.Bits))
	}
	if c, ok := m.prog.Consts[e]; ok && slices.Contains(compiled, e.Name) {
		return constant(c)
	}
	dontKnow("%s()", e.Name)
	return nil
}

// compiled are functions whose value only the checker knows.
var compiled = []string{
	"default_str_length", "getopt", "has_cpid", "is_array", "is_integer", "is_literal", "is_ptr", "is_str", "is_unsigned_integer", "strcap",
}

func constant(c types.Const) any {
	if c.Str != nil {
		return *c.Str
	}
	return int64(c.Int)
}

// str is a copy of a string, which is no longer than a string may be.
func (m *Machine) str(e *ast.Call) any {
	if c, ok := m.prog.Consts[e]; ok && c.Str != nil {
		return *c.Str // a parameter's text
	}
	if !types.Is(m.prog.Types[e.Args[0]], types.KindString) {
		dontKnow("what lies at an address")
	}
	s := m.text(e.Args[0])
	most := int64(m.checked.Config.MaxStrlen - 1)
	if len(e.Args) > 1 {
		most = min(most, number(m.eval(e.Args[1]))-1) // the NUL is counted
	}
	if int64(len(s)) > most {
		dontKnow("how a string is cut")
	}
	return s
}

// buf are the bytes of a string, as many as are asked for.
func (m *Machine) buf(e *ast.Call) any {
	t, ok := m.prog.Types[e.Args[0]].(types.String)
	if !ok {
		dontKnow("what lies at an address")
	}
	s := m.text(e.Args[0])
	if lit, ok := e.Args[0].(*ast.StrLit); ok {
		s = lit.Value // with what is behind a NUL
	}
	n := int64(t.Len - 1)
	if len(e.Args) > 1 {
		n = number(m.eval(e.Args[1]))
	}
	if n < 0 || n > int64(max(t.Len, len(s)+1)) || n > int64(m.checked.Config.MaxStrlen) {
		dontKnow("buf() of so many bytes")
	}
	b := make([]byte, n)
	copy(b, s)
	return b
}

// someTime is what a clock shows: no script whose output is determined can make anything of it but that it is not 0.
const someTime = 1 << 50

func (m *Machine) text(e ast.Expr) string {
	s, ok := m.eval(e).(string)
	if !ok {
		dontKnow("a string that is none")
	}
	return s
}

// named is the map and the key of has_key and delete: `f(@m, key)` or `f(@m[key])`.
func (m *Machine) named(e *ast.Call) (*table, any) {
	ref, ok := e.Args[0].(*ast.MapRef)
	if !ok {
		dontKnow("%s of an expression", e.Name)
	}
	t := m.maps[ref.Name]
	if len(e.Args) > 1 {
		return t, m.key(t, e.Args[1:])
	}
	return t, m.key(t, ref.Keys)
}

func (m *Machine) remove(e *ast.Call) any {
	t, key := m.named(e)
	text := keyText(key)
	there := t.elems[text] != nil
	if t.m.Key == nil {
		dontKnow("delete of a map without keys")
	}
	delete(t.elems, text)
	return boolean(there)
}

// empty does clear and zero.
func (m *Machine) empty(e *ast.Call) {
	ref, ok := e.Args[0].(*ast.MapRef)
	if !ok || e.Name == "zero" {
		dontKnow("%s", e.Name)
	}
	clear(m.maps[ref.Name].elems)
	m.maps[ref.Name].cleared = true
}

func (m *Machine) print(e *ast.Call) {
	if len(e.Args) != 1 {
		dontKnow("print of the first elements")
	}
	ref, ok := e.Args[0].(*ast.MapRef)
	switch {
	case ok && !ref.Indexed:
		t := m.maps[ref.Name]
		if t.m.Key == nil && len(t.elems) == 0 {
			m.printEmpty(t)
		}
		m.printMap(t)
	case ok:
		t := m.maps[ref.Name]
		key := m.key(t, ref.Keys)
		if t.elems[keyText(key)] == nil {
			dontKnow("what an element that is not there prints")
		}
		m.out.WriteString(t.show(t.elems[keyText(key)]) + "\n")
	default:
		m.out.WriteString(show(m.eval(e.Args[0]), m.prog.Types[e.Args[0]]) + "\n")
	}
}

// printMaps is what a script prints at its end.
func (m *Machine) printMaps() {
	var names []string
	for name := range m.maps {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m.printMap(m.maps[name])
	}
}

// printEmpty is what print shows of a map without keys that nothing was assigned to. At the end it is not shown.
func (m *Machine) printEmpty(t *table) {
	agg, aggregation := t.m.Value.(types.Agg)
	if t.cleared || aggregation && !agg.OneNumber() {
		dontKnow("what an empty %s prints", t.m.Value)
	}
	val := types.Value(t.m.Value)
	m.out.WriteString("@" + t.m.Name + ": " + show(zero(val), val) + "\n")
}

func (m *Machine) printMap(t *table) {
	for _, e := range t.sorted() {
		m.printElement(t, e)
	}
}

func (m *Machine) printElement(t *table, e *element) {
	m.out.WriteString("@" + t.m.Name)
	if t.m.Key != nil {
		text := show(e.key, t.m.Key)
		if types.Is(t.m.Key, types.KindTuple) {
			text = strings.TrimSuffix(strings.TrimPrefix(text, "("), ")")
		}
		m.out.WriteString("[" + text + "]")
	}
	m.out.WriteString(": " + t.show(e) + "\n")
}

// show is an element's value as it is printed.
func (t *table) show(e *element) string {
	val := e.val
	if agg, ok := t.m.Value.(types.Agg); ok {
		val = val.(*total).number(agg)
	}
	return show(val, types.Value(t.m.Value))
}
