package interp

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// show is a value as print writes it.
func show(x any, t types.Type) string {
	switch t := t.(type) {
	case types.Bool:
		return fmt.Sprint(number(x) != 0)
	case types.Int:
		if t.Enum != nil {
			break
		}
		if t.Signed {
			return fmt.Sprint(number(x))
		}
		return fmt.Sprint(uint64(number(x)))
	case types.String:
		return x.(string)
	case types.Buffer:
		return escaped(x.([]byte))
	case types.Tuple:
		if t.Names != nil {
			break
		}
		var parts []string
		for i, e := range x.([]any) {
			parts = append(parts, show(e, t.Elems[i]))
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	dontKnow("how %s is written", t)
	return ""
}

// escaped are bytes as print writes them: what is printable in ASCII as it is, all others as \x01.
func escaped(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		if c >= ' ' && c <= '~' {
			text.WriteByte(c)
		} else {
			fmt.Fprintf(&text, `\x%02x`, c)
		}
	}
	return text.String()
}

// prefixed are bytes as \x01, all of them.
func prefixed(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		fmt.Fprintf(&text, `\x%02x`, c)
	}
	return text.String()
}

// printf knows what most scripts use: %d, %u, %x and %s with a width.
func (m *Machine) printf(e *ast.Call) {
	lit, ok := e.Args[0].(*ast.StrLit)
	if !ok {
		dontKnow("a format that is no literal")
	}
	var values []any
	var typs []types.Type
	for _, a := range e.Args[1:] {
		values = append(values, m.eval(a))
		typs = append(typs, m.prog.Types[a])
	}
	format, n := lit.Value, 0
	for {
		at := strings.IndexByte(format, '%')
		if at < 0 {
			m.out.WriteString(format)
			return
		}
		m.out.WriteString(format[:at])
		format = format[at+1:]
		if strings.HasPrefix(format, "%") {
			m.out.WriteByte('%')
			format = format[1:]
			continue
		}
		end := strings.IndexFunc(format, func(r rune) bool { return !strings.ContainsRune("-0123456789lhjz", r) })
		if end < 0 || n == len(values) {
			dontKnow("the format %q", lit.Value)
		}
		width := strings.TrimRight(format[:end], "ljz")
		verb := format[end : end+1]
		if format[end] == 'r' && end+1 < len(format) && strings.IndexByte("xh", format[end+1]) >= 0 {
			verb = format[end : end+2]
		}
		if x, ok := values[n].(int64); ok && width == format[:end] && format[end] != 's' {
			values[n] = Cut(x, types.Int{Bits: 32, Signed: format[end] == 'd'}) // an int, as C has it
		}
		m.out.WriteString(conversion(width, verb, values[n], typs[n]))
		format = format[end+len(verb):]
		n++
	}
}

func conversion(width, verb string, x any, t types.Type) string {
	if strings.HasPrefix(width, "0") || strings.ContainsAny(width, "hljz") {
		dontKnow("the width %q", width)
	}
	_, isNumber := t.(types.Int)
	b, isBytes := x.([]byte)
	switch {
	case isBytes && verb == "r":
		return fmt.Sprintf("%"+width+"s", escaped(b))
	case isBytes && verb == "rx":
		return fmt.Sprintf("%"+width+"s", prefixed(b))
	case isBytes && verb == "rh":
		return fmt.Sprintf("%"+width+"s", fmt.Sprintf("% x", b))
	case verb == "s":
		return fmt.Sprintf("%"+width+"s", show(x, t))
	case !isNumber && !types.Is(t, types.KindBool):
	case verb == "d":
		return fmt.Sprintf("%"+width+"d", number(x))
	case verb == "u":
		return fmt.Sprintf("%"+width+"d", uint64(number(x)))
	case verb == "x":
		return fmt.Sprintf("%"+width+"x", uint64(number(x)))
	}
	dontKnow("%%%s of %s", verb, t)
	return ""
}
