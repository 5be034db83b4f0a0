package interp

import (
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
		m.left, m.exited = true, true
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
	case "strlen":
		return int64(len(m.text(e.Args[0])))
	case "strcontains":
		return boolean(strings.Contains(m.text(e.Args[0]), m.text(e.Args[1])))
	default:
		dontKnow("%s()", e.Name)
	}
	return nil
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
		m.printMap(m.maps[ref.Name])
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

func (m *Machine) printMap(t *table) {
	if t.m.Key == nil && len(t.elems) == 0 {
		dontKnow("what an empty map without keys prints")
	}
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
