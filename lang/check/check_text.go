package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// readable says whether a value is, or is the address of, memory that can be read as bytes.
func readable(t types.Type) bool {
	switch types.KindOf(t) {
	case types.KindInt, types.KindPointer, types.KindString, types.KindArray:
		return true
	}
	return false
}

// bytesOf is how many bytes an array has, or a string room for without its NUL; 0 if that is not known.
func (c *checker) bytesOf(e ast.Expr, t types.Type) int {
	switch t := c.objectType(e, t).(type) {
	case types.Array:
		return t.Size()
	case types.String:
		return t.Len - 1
	}
	return 0
}

// buf is the bytes at an address, or of an array or a string. The type is as long as a constant length says.
func (c *checker) buf(e *ast.Call) types.Type {
	t := c.value(e.Args[0])
	size, most := c.maxStr(), c.maxStr()
	if len(e.Args) > 1 {
		nt := c.integer(e.Args[1])
		if nt == nil {
			return nil
		}
		if k, ok := c.constInt(e.Args[1]); ok {
			n := integer(k, nt)
			if n.Sign() < 0 {
				c.report(source.Errorf(e.Args[1], "out-of-range", "a length is not negative"))
				return nil
			}
			if size = most; n.IsInt64() && n.Int64() < int64(most) {
				size = int(n.Int64())
			} else if n.IsInt64() && n.Int64() > int64(most) {
				c.report(warnCutBuffer(e, n.Int64(), most))
			}
		}
	}
	switch {
	case t == nil:
		return nil
	case !readable(t):
		c.report(errArgType(e.Args[0], e.Name, "an address, an array or a string", t))
		return nil
	case len(e.Args) == 1:
		n := c.bytesOf(e.Args[0], t)
		if n == 0 {
			c.report(source.Errorf(e, "argument-count", "buf() of a %s needs a length", t).WithHint("buf(…, 16)"))
			return nil
		}
		if size = min(n, most); n > most {
			c.report(warnCutBuffer(e, int64(n), most))
		}
	}
	return types.Buffer{Len: size}
}

func warnCutBuffer(e *ast.Call, n int64, most int) source.Diagnostic {
	return source.Warningf(e, "buffer-cut", "buf() takes %d of the %d bytes", most, n).WithHint("allow more: config = { max_strlen = %d }", n)
}

// ntop is an address of the internet: a number or four bytes for IPv4, sixteen for IPv6. The family can be given before it.
func (c *checker) ntop(e *ast.Call) types.Type {
	addr := e.Args[len(e.Args)-1]
	if len(e.Args) > 1 && c.integer(e.Args[0]) == nil {
		return nil
	}
	t := c.value(addr)
	if t == nil {
		return nil
	}
	switch n := c.bytesOf(addr, t); {
	case types.Is(t, types.KindInt), n == 4, n == 16:
		return types.Inet{}
	}
	c.report(errArgType(addr, e.Name, "a number or an array of four or sixteen bytes", t))
	return nil
}

// pton is the bytes of an address that is written as text.
func (c *checker) pton(e *ast.Call) types.Type {
	text, ok := c.constText(e, 0)
	if !ok {
		return nil
	}
	addr, ok := literal.ParseInet(text)
	if !ok {
		c.report(source.Errorf(e.Args[0], "bad-address", "%q is no IPv4 or IPv6 address", source.CutText(text)))
		return nil
	}
	return types.Array{Elem: types.TypeUint8, Len: len(addr)}
}

// bswap is a number with its bytes in the opposite order. A literal has as few bytes as hold it.
func (c *checker) bswap(e *ast.Call) types.Type {
	t := c.value(e.Args[0])
	if t == nil {
		return nil
	}
	i, ok := types.Value(t).(types.Int)
	if !ok {
		c.reportNumber(errArgType(e.Args[0], e.Name, "an integer", t), e.Args[0])
		return nil
	}
	bits := i.Bits
	if i.Range.Known {
		bits = literalBits(i.Range)
	}
	to := types.Int{Bits: bits}
	if k, ok := c.constInt(e.Args[0]); ok {
		c.setConst(e, swapBytes(k.Int, bits), to)
	}
	return to
}

// literalBits is the size of the smallest signed type that holds all numbers of a range; 64 if none does.
func literalBits(r types.Range) int {
	for bits := 8; bits < 64; bits *= 2 {
		if r.Neg <= 1<<(bits-1) && r.Pos < 1<<(bits-1) {
			return bits
		}
	}
	return 64
}

// swapBytes is the number of so many bits with its bytes in the opposite order.
func swapBytes(n uint64, bits int) (swapped uint64) {
	for ; bits > 0; bits -= 8 {
		swapped = swapped<<8 | n&0xff
		n >>= 8
	}
	return swapped
}

// cText is a text as C sees it: up to its NUL.
func cText(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// textArg checks an argument that must be a string, an array of characters or the address of one. Its type is nil if it is not known yet:
// the function's result says what depends on it, as in @s = str_concat(@s, "x").
func (c *checker) textArg(e *ast.Call, i int) (t types.Type, ok bool) {
	t = c.value(e.Args[i])
	if t == nil || isText(t) {
		return t, true
	}
	c.report(errArgType(e.Args[i], e.Name, "a string", t).WithHint("str(…) reads the string at an address"))
	return nil, false
}

// textArgs is textArg for the first two arguments.
func (c *checker) textArgs(e *ast.Call) (x, y types.Type, ok bool) {
	x, ok1 := c.textArg(e, 0)
	y, ok2 := c.textArg(e, 1)
	return x, y, ok1 && ok2
}

// isText says whether a value is a string, an array of characters or the address of one.
func isText(t types.Type) bool {
	switch t := t.(type) {
	case types.String:
		return true
	case types.Array:
		return isChar(t.Elem)
	case types.Pointer:
		return isChar(t.Elem)
	}
	return false
}

func isChar(t types.Type) bool {
	i, ok := t.(types.Int)
	return ok && i.Bits == 8 && i.Signed && i.Enum == nil
}

// knownText is the text of a constant string, as C sees it.
func (c *checker) knownText(e ast.Expr) (string, bool) {
	k := c.p.Consts[e]
	if k.Str == nil {
		return "", false
	}
	return cText(*k.Str), true
}

// strlen is the number of characters of a string.
func (c *checker) strlen(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	if _, ok := c.textArg(e, 0); !ok {
		return nil
	}
	if s, ok := c.knownText(e.Args[0]); ok {
		c.setConst(e, uint64(len(s)), types.TypeUint64)
	}
	return types.TypeUint64
}

// strcap is how many bytes a string or an array has room for, and how many characters there are at an address.
func (c *checker) strcap(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	t, ok := c.textArg(e, 0)
	if !ok {
		return nil
	}
	switch t := c.objectType(e.Args[0], t).(type) {
	case types.String, types.Array:
		c.setConst(e, uint64(t.Size()), types.TypeInt64)
	}
	return types.TypeInt64
}

// strncmp is 0 if the first characters of two strings are the same, else 1.
func (c *checker) strncmp(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	_, _, ok := c.textArgs(e)
	nt := c.integer(e.Args[2])
	if !ok || nt == nil {
		return nil
	}
	k, known := c.constInt(e.Args[2])
	if known && integer(k, nt).Sign() < 0 {
		c.report(source.Errorf(e.Args[2], "out-of-range", "a number of characters is not negative"))
		return nil
	}
	s, ok1 := c.knownText(e.Args[0])
	t, ok2 := c.knownText(e.Args[1])
	if known && ok1 && ok2 {
		same := s[:min(k.Int, uint64(len(s)))] == t[:min(k.Int, uint64(len(t)))]
		c.setConst(e, types.Truth(!same), types.TypeUint64)
	}
	return types.TypeUint64
}

// search is strstr() and strcontains().
func (c *checker) search(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	if _, _, ok := c.textArgs(e); !ok {
		return nil
	}
	t := searchTypes[e.Name]
	s, ok1 := c.knownText(e.Args[0])
	part, ok2 := c.knownText(e.Args[1])
	if ok1 && ok2 {
		n := strings.Index(s, part)
		if types.Is(t, types.KindBool) {
			n = boolInt(n >= 0)
		}
		c.setConst(e, uint64(n), t)
	}
	return t
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

var searchTypes = map[string]types.Type{"strstr": types.TypeInt64, "strcontains": types.Bool{}}

// strConcat is two strings as one. Its room is a power of two, so that a variable that grows gets its type in a few steps.
func (c *checker) strConcat(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	x, y, ok := c.textArgs(e)
	if !ok {
		return nil
	}
	s, ok1 := c.knownText(e.Args[0])
	t, ok2 := c.knownText(e.Args[1])
	if ok1 && ok2 && len(s)+len(t) < c.maxStr() {
		return c.strConst(e, s+t)
	}
	need, room := c.textRoom(x)+c.textRoom(y)-1, 16
	for room < need {
		room *= 2
	}
	return types.String{Len: min(room, max(c.maxStr(), 2))}
}

// textRoom is how many bytes a text takes at most, its NUL included.
func (c *checker) textRoom(t types.Type) int {
	switch t := t.(type) {
	case nil: // nothing so far
		return 1
	case types.String:
		return t.Len
	case types.Array:
		return t.Len + 1
	}
	return c.maxStr()
}

// memcmp compares the first bytes of two values.
func (c *checker) memcmp(e *ast.Call) types.Type {
	x, y, nt := c.value(e.Args[0]), c.value(e.Args[1]), c.integer(e.Args[2])
	if x == nil || y == nil || nt == nil {
		return nil
	}
	for i, t := range []types.Type{x, y} {
		if !types.Of(t).Stored || t.Size() == 0 {
			c.report(errArgType(e.Args[i], e.Name, "a value", t))
			return nil
		}
	}
	if k, ok := c.constInt(e.Args[2]); ok {
		if least := min(c.memSize(e.Args[0], x), c.memSize(e.Args[1], y)); integer(k, nt).Sign() < 0 || k.Int > uint64(least) {
			c.report(source.Errorf(e.Args[2], "out-of-range", "the smaller of the two has %d bytes", least))
			return nil
		}
	}
	return types.Int{Bits: 32, Signed: true}
}

// memSize is how many bytes a value has in memory: an array of characters has no NUL of its own.
func (c *checker) memSize(e ast.Expr, t types.Type) int {
	if a, ok := c.objectType(e, t).(types.Array); ok {
		return a.Size()
	}
	return types.Value(t).Size()
}
