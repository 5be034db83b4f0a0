package value

import (
	"bytes"
	"sync"

	"github.com/gotrace/gotrace/lang/types"
)

// tupleCodec is for tuples.
type tupleCodec struct {
	elems   []Codec
	offsets []int
}

func newTupleCodec(env *Env, t types.Tuple) *tupleCodec {
	c := &tupleCodec{}
	for i, e := range t.Elems {
		c.elems = append(c.elems, env.Codec(e))
		c.offsets = append(c.offsets, t.Offset(i))
	}
	return c
}

func (c *tupleCodec) appendText(dst, b []byte) []byte {
	return append(c.appendList(append(dst, '('), b), ')')
}

// appendList adds the elements without parentheses.
func (c *tupleCodec) appendList(dst, b []byte) []byte {
	for i, e := range c.elems {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = e.AppendText(dst, b[c.offsets[i]:])
	}
	return dst
}

// appendKey adds the elements as parts of a key.
func (c *tupleCodec) appendKey(dst, b []byte) []byte {
	for i, e := range c.elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.appendKey(dst, b[c.offsets[i]:])
	}
	return dst
}

func (c *tupleCodec) appendJSON(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, e := range c.elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.AppendJSON(dst, b[c.offsets[i]:])
	}
	return append(dst, ']')
}

func (c *tupleCodec) decode(b []byte) any {
	out := make(Tuple, len(c.elems))
	for i, e := range c.elems {
		out[i] = e.Decode(b[c.offsets[i]:])
	}
	return out
}

func (c *tupleCodec) compare(a, b []byte) int {
	for i, e := range c.elems {
		if n := e.Compare(a[c.offsets[i]:], b[c.offsets[i]:]); n != 0 {
			return n
		}
	}
	return 0
}

// arrayCodec is for arrays of C.
type arrayCodec struct {
	typ  types.Array
	elem Codec
}

func (c arrayCodec) appendText(dst, b []byte) []byte { return c.appendAll(dst, b, c.elem.AppendText) }
func (c arrayCodec) appendJSON(dst, b []byte) []byte { return c.appendAll(dst, b, c.elem.AppendJSON) }
func (c arrayCodec) appendKey(dst, b []byte) []byte  { return c.appendAll(dst, b, c.elem.appendKey) }

func (c arrayCodec) appendAll(dst, b []byte, elem func(dst, b []byte) []byte) []byte {
	dst = append(dst, '[')
	for i := range c.typ.Len {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = elem(dst, b[i*c.elem.size:])
	}
	return append(dst, ']')
}

func (c arrayCodec) decode(b []byte) any {
	out := make([]any, c.typ.Len)
	for i := range out {
		out[i] = c.elem.Decode(b[i*c.elem.size:])
	}
	return out
}

func (c arrayCodec) compare(a, b []byte) int {
	n := c.typ.Size()
	return bytes.Compare(a[:n], b[:n])
}

// structCodec is for structs and unions. Members of an anonymous member are members of the struct around it.
type structCodec struct {
	env     *Env
	typ     *types.Struct
	once    sync.Once // structs of the kernel find their members when they are asked for
	members members
}

// member is a member of a struct.
type member struct {
	name  string
	off   int
	codec Codec
}

func (c *structCodec) list() members {
	c.once.Do(func() { c.add(c.typ.Fields(), 0) })
	return c.members
}

func (c *structCodec) add(fields []types.Field, off int) {
	for _, f := range fields {
		if inner, ok := f.Type.(*types.Struct); ok && f.Name == "" {
			c.add(inner.Fields(), off+f.Offset)
			continue
		}
		m := member{name: f.Name, off: off + f.Offset}
		if f.BitSize != 0 {
			m.codec = newBitsCodec(f)
		} else {
			m.codec = c.env.member(f.Type)
		}
		c.members = append(c.members, m)
	}
}

func (c *structCodec) appendText(dst, b []byte) []byte { return c.list().appendText(dst, b) }
func (c *structCodec) appendKey(dst, b []byte) []byte  { return c.list().appendKey(dst, b) }
func (c *structCodec) appendJSON(dst, b []byte) []byte { return c.list().appendJSON(dst, b) }
func (c *structCodec) decode(b []byte) any             { return c.list().decode(b) }

func (c *structCodec) compare(a, b []byte) int {
	n := c.typ.Size()
	return bytes.Compare(a[:n], b[:n])
}

// members are those of a struct or a record.
type members []member

func (members members) appendText(dst, b []byte) []byte {
	if len(members) == 0 {
		return append(dst, "{}"...)
	}
	dst = append(dst, "{ "...)
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(append(dst, '.'), m.name...), " = "...)
		dst = m.codec.AppendText(dst, from(b, m.off))
	}
	return append(dst, " }"...)
}

func (members members) appendKey(dst, b []byte) []byte {
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '.'), m.name...), '=')
		dst = m.codec.appendKey(dst, from(b, m.off))
	}
	return append(dst, '}')
}

func (members members) appendJSON(dst, b []byte) []byte {
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(AppendJSONString(dst, []byte(m.name)), ": "...)
		dst = m.codec.AppendJSON(dst, from(b, m.off))
	}
	return append(dst, '}')
}

func (members members) decode(b []byte) any {
	out := make(Record, len(members))
	for i, m := range members {
		out[i] = Member{m.name, m.codec.Decode(from(b, m.off))}
	}
	return out
}

// recordCodec is for records, which look like structs and are in order like tuples.
type recordCodec struct{ members }

func newRecordCodec(env *Env, t types.Tuple) recordCodec {
	var c recordCodec
	for i, e := range t.Elems {
		c.members = append(c.members, member{t.Names[i], t.Offset(i), env.Codec(e)})
	}
	return c
}

func (c recordCodec) compare(a, b []byte) int {
	for _, m := range c.members {
		if n := m.codec.Compare(from(a, m.off), from(b, m.off)); n != 0 {
			return n
		}
	}
	return 0
}

// bitsCodec is for a member that is some bits of the integer it lies in.
type bitsCodec struct {
	typ         types.Int
	first, size int
}

// newBitsCodec is the codec of a bitfield. In a packed struct its bytes may be fewer than the integer has.
func newBitsCodec(f types.Field) Codec {
	t, ok := f.Type.(types.Int)
	if !ok {
		t = types.Int{Bits: 8 * f.Type.Size()}
	}
	return Codec{t.Size(), bitsCodec{t, f.BitOffset, f.BitSize}}
}

func (c bitsCodec) value(b []byte) (n uint64) {
	n, _, _ = Integer(types.Int{Bits: c.typ.Bits}, b)
	n >>= c.first
	shift := 64 - c.size
	n <<= shift
	if c.typ.Signed {
		return uint64(int64(n) >> shift)
	}
	return n >> shift
}

func (c bitsCodec) appendText(dst, b []byte) []byte {
	return appendDecimal(dst, c.value(b), c.typ.Signed)
}

func (c bitsCodec) appendJSON(dst, b []byte) []byte {
	return appendJSONNumber(dst, c.value(b), c.typ.Signed)
}

func (c bitsCodec) decode(b []byte) any     { return number64(c.value(b), c.typ.Signed) }
func (c bitsCodec) compare(a, b []byte) int { return compareInts(c.value(a), c.value(b), c.typ.Signed) }
