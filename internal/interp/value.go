package interp

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// A value is an int64 (numbers and truth values, extended to 64 bits as their types say), a string, the bytes of a buffer, or a list of
// values (tuples and records).

func number(x any) int64 {
	n, ok := x.(int64)
	if !ok {
		dontKnow("a number where there is %T", x)
	}
	return n
}

func truth(x any) bool {
	switch x := x.(type) {
	case int64:
		return x != 0
	case string:
		return x != ""
	}
	dontKnow("whether %T is true", x)
	return false
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func signed(t types.Type) bool {
	i, ok := t.(types.Int)
	return ok && i.Signed
}

// Cut converts a number to a type, extended to 64 bits again.
func Cut(n int64, t types.Type) int64 {
	switch t := t.(type) {
	case types.Bool:
		return boolean(n != 0)
	case types.Int:
		switch shift := 64 - t.Bits; {
		case t.Signed:
			return n << shift >> shift
		default:
			return int64(uint64(n) << shift >> shift)
		}
	}
	return n
}

// convert makes a value one of a type that can hold it.
func convert(x any, t types.Type) any {
	switch t := t.(type) {
	case types.Int, types.Bool:
		return Cut(number(x), t)
	case types.String:
		s, ok := x.(string)
		if !ok {
			dontKnow("a string where there is %T", x)
		}
		s, _, _ = strings.Cut(s, "\x00")
		return s[:min(len(s), max(t.Len-1, 0))]
	case types.Buffer:
		b, ok := x.([]byte)
		if !ok {
			dontKnow("bytes where there is %T", x)
		}
		return b[:min(len(b), t.Len)]
	case types.Tuple:
		list, ok := x.([]any)
		if !ok || len(list) != len(t.Elems) || t.Names != nil {
			dontKnow("%T as %s", x, t)
		}
		out := make([]any, len(list))
		for i, e := range list {
			out[i] = convert(e, t.Elems[i])
		}
		return out
	}
	dontKnow("values of type %s", t)
	return nil
}

// zero is what a variable or a map has that was not assigned to.
func zero(t types.Type) any {
	switch t := t.(type) {
	case types.Int, types.Bool:
		return int64(0)
	case types.String:
		return ""
	case types.Buffer:
		return []byte{}
	case types.Tuple:
		out := make([]any, len(t.Elems))
		for i, e := range t.Elems {
			out[i] = zero(e)
		}
		return out
	}
	dontKnow("what an empty %s is", t)
	return nil
}

// keyText tells keys apart.
func keyText(x any) string {
	switch x := x.(type) {
	case nil:
		return ""
	case int64:
		return fmt.Sprint(x)
	case string:
		return fmt.Sprintf("%q", x)
	case []byte:
		return fmt.Sprintf("b%q", x)
	case []any:
		var parts []string
		for _, e := range x {
			parts = append(parts, keyText(e))
		}
		return "(" + strings.Join(parts, ",") + ")"
	}
	dontKnow("%T as a key", x)
	return ""
}

// equal compares values of two types as the language does: numbers in their common type.
func equal(x, y any, tx, ty types.Type) bool {
	switch a := x.(type) {
	case int64:
		wide := types.CommonType(tx, ty)
		return Cut(a, wide) == Cut(number(y), wide)
	case string:
		b, ok := y.(string)
		if !ok {
			dontKnow("how a string compares with %T", y)
		}
		return a == b
	case []byte:
		b, ok := y.([]byte)
		if !ok {
			dontKnow("how bytes compare with %T", y)
		}
		return bytes.Equal(a, b)
	case []any:
		b, ok := y.([]any)
		t, u := types.TupleBehind(tx), types.TupleBehind(ty)
		if !ok || t == nil || u == nil || t.Names != nil || u.Names != nil || len(a) != len(b) {
			dontKnow("how %s compares with %s", tx, ty)
		}
		for i := range a {
			if !equal(a[i], b[i], t.Elems[i], u.Elems[i]) {
				return false
			}
		}
		return true
	}
	dontKnow("how %T compares", x)
	return false
}

// less orders values of a type.
func less(x, y any, t types.Type) bool {
	switch a := x.(type) {
	case int64:
		if signed(t) {
			return a < number(y)
		}
		return uint64(a) < uint64(number(y))
	case string:
		return a < y.(string)
	case []byte:
		return bytes.Compare(a, y.([]byte)) < 0
	case []any:
		b, tuple := y.([]any), t.(types.Tuple)
		for i := range a {
			switch e := tuple.Elems[i]; {
			case less(a[i], b[i], e):
				return true
			case less(b[i], a[i], e):
				return false
			}
		}
	}
	return false
}
