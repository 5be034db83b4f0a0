package value

import (
	"bytes"

	"github.com/gotrace/gotrace/lang/types"
)

// Env is what the text of values depends on beside their bytes.
type Env struct {
	// Symbols names addresses; nil knows none.
	Symbols Symbols
	Clock   *Clock
	// Trailer follows strings that fill their field to the last byte, which means that they were cut.
	Trailer string
	// KeyNames are names of the parts of keys, by the name of the map (see MapCodec).
	KeyNames map[string][]string

	byNumber bool // stacks are put in the order of their numbers
}

// Codec is how values of one type are read. Bytes that are not there count as zero, so that a mistake in a layout shows as a wrong
// value and not as a panic. A Codec may be used from several goroutines.
type Codec struct {
	size int
	impl codec
}

// codec is implemented for each kind of type. b has at least the size of the type.
type codec interface {
	// appendText adds what print() shows of a value.
	appendText(dst, b []byte) []byte
	// appendJSON adds the value as bpftrace's JSON has it.
	appendJSON(dst, b []byte) []byte
	// decode is the value as a Go value.
	decode(b []byte) any
	// compare says how two values are sorted.
	compare(a, b []byte) int
}

// Codec is that of a type.
func (env *Env) Codec(t types.Type) Codec { return env.divided(t, 1) }

// divided is the codec of a type, with numbers divided by div.
func (env *Env) divided(t types.Type, div int64) Codec {
	c := Codec{impl: newCodec(env, t, max(1, div))}
	switch t := t.(type) {
	case nil:
	case types.Agg:
		c.size = aggSize(t)
	default:
		c.size = t.Size()
	}
	return c
}

// newCodec is the table of types.
func newCodec(env *Env, t types.Type, div int64) codec {
	switch t := t.(type) {
	case types.Int:
		return intCodec{t, div}
	case types.Bool:
		return boolCodec{}
	case types.String:
		return stringCodec{t, env.Trailer}
	case types.Pointer:
		return pointerCodec{}
	case types.Timestamp:
		return timestampCodec{t, env.Clock}
	case types.Symbol:
		return symbolCodec{env: env}
	case types.UserSymbol:
		return symbolCodec{env: env, user: true}
	case types.Stack:
		return stackCodec{env: env, typ: t}
	case types.Frames:
		return stackCodec{env: env, typ: t.Stack, inline: true}
	case types.MAC:
		return macCodec{}
	case types.Buffer:
		return bufferCodec{}
	case types.Inet:
		return inetCodec{}
	case types.CgroupPath:
		return cgroupCodec{t.Filter}
	case types.User:
		return userCodec{}
	case types.Tuple:
		if t.Names != nil {
			return newRecordCodec(env, t)
		}
		return newTupleCodec(env, t)
	case types.Array:
		if t.Float {
			return floatCodec{t.Len}
		}
		return arrayCodec{t, env.member(t.Elem)}
	case *types.Struct:
		return &structCodec{env: env, typ: t}
	case types.Agg:
		switch t.Kind {
		case types.AggHist, types.AggLHist:
			return histCodec{t, div}
		case types.AggTSeries:
			return seriesCodec{t, env.Clock}
		case types.AggQuantiles:
			return quantilesCodec{t, div}
		}
		return aggCodec{t, div}
	}
	return noneCodec{}
}

// member is the codec of a member of a struct or an element of an array: there, arrays of characters are strings.
func (env *Env) member(t types.Type) Codec {
	if n, ok := types.CharArray(t); ok {
		return Codec{n, charsCodec{n}}
	}
	return env.Codec(t)
}

// AppendText adds what print() shows of the value at the start of b.
func (c Codec) AppendText(dst, b []byte) []byte { return c.impl.appendText(dst, atLeast(b, c.size)) }

// AppendJSON adds the value at the start of b as JSON, in the form that bpftrace gives it.
func (c Codec) AppendJSON(dst, b []byte) []byte { return c.impl.appendJSON(dst, atLeast(b, c.size)) }

// Decode is the value at the start of b as a Go value.
func (c Codec) Decode(b []byte) any { return c.impl.decode(atLeast(b, c.size)) }

// Compare says how the values at the start of a and b are sorted: numbers as numbers, strings as strings, tuples
// element by element, histograms by how much they count, anything else by its bytes.
func (c Codec) Compare(a, b []byte) int {
	return c.impl.compare(atLeast(a, c.size), atLeast(b, c.size))
}

// Lines says whether the text of a value is lines of its own: that of a histogram or a series.
func (c Codec) Lines() bool {
	switch c.impl.(type) {
	case histCodec, seriesCodec:
		return true
	}
	return false
}

// atLeast is b, or a copy of it with zeros at its end if it is shorter than n.
func atLeast(b []byte, n int) []byte {
	if len(b) >= n {
		return b
	}
	return append(append(make([]byte, 0, n), b...), make([]byte, n-len(b))...)
}

// from is b from offset on, empty if b is shorter.
func from(b []byte, offset int) []byte { return b[min(offset, len(b)):] }

// field is n bytes of rec at off, or what there is of them.
func field(rec []byte, off, n int) []byte {
	rec = from(rec, off)
	return rec[:min(n, len(rec))]
}

// noneCodec is for what has no value.
type noneCodec struct{}

func (noneCodec) appendText(dst, _ []byte) []byte { return append(dst, "null"...) }
func (noneCodec) appendJSON(dst, _ []byte) []byte { return append(dst, "null"...) }
func (noneCodec) decode([]byte) any               { return nil }
func (noneCodec) compare(a, b []byte) int         { return bytes.Compare(a, b) }
