package value

import (
	"encoding/binary"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// aggSize is the number of bytes of an aggregation (see layout.ValueLayout).
func aggSize(t types.Agg) int { return layout.Word(layout.AggWords(t)) }

// aggCodec is for aggregations that are not histograms, as Merge leaves them. div divides the value or the average.
type aggCodec struct {
	typ types.Agg
	div int64
}

// value is the result: the average, where there is one.
func (c aggCodec) value(b []byte) uint64 { return layout.Number(c.typ, b) }

// count is how many numbers an average is of, total their sum.
func (c aggCodec) count(b []byte) uint64 { return word(b[layout.Word(layout.WordCount):]) }
func (c aggCodec) total(b []byte) uint64 { return word(b[layout.Word(layout.WordNumber):]) }

func (c aggCodec) appendText(dst, b []byte) []byte {
	result := divide(c.value(b), c.typ.Signed, c.div)
	if c.typ.Kind != types.AggStats {
		return appendDecimal(dst, result, c.typ.Signed)
	}
	dst = appendDecimal(append(dst, "{ .count = "...), c.count(b), false)
	dst = appendDecimal(append(dst, ", .average = "...), result, c.typ.Signed)
	dst = appendDecimal(append(dst, ", .total = "...), c.total(b), c.typ.Signed)
	return append(dst, " }"...)
}

func (c aggCodec) appendJSON(dst, b []byte) []byte {
	result := divide(c.value(b), c.typ.Signed, c.div)
	if c.typ.Kind != types.AggStats {
		return appendJSONNumber(dst, result, c.typ.Signed)
	}
	dst = appendJSONNumber(append(dst, `{"count": `...), c.count(b), false)
	dst = appendJSONNumber(append(dst, `, "average": `...), result, c.typ.Signed)
	dst = appendJSONNumber(append(dst, `, "total": `...), c.total(b), c.typ.Signed)
	return append(dst, '}')
}

func (c aggCodec) decode(b []byte) any {
	result := number64(divide(c.value(b), c.typ.Signed, c.div), c.typ.Signed)
	if c.typ.Kind != types.AggStats {
		return result
	}
	return Stats{c.count(b), result, number64(c.total(b), c.typ.Signed)}
}

func (c aggCodec) compare(a, b []byte) int {
	return compareInts(c.value(a), c.value(b), c.typ.Signed)
}

// Merge makes one value of type t of those that several CPUs have (see layout.ValueLayout).
func Merge(t types.Type, values [][]byte) []byte {
	agg, ok := t.(types.Agg)
	switch {
	case ok:
		return layout.Merge(agg, values)
	case len(values) == 1:
		return values[0]
	}
	return sumInts(t, values)
}

// sumInts adds up integers that are kept per CPU (maps that are only counted up and down).
func sumInts(t types.Type, values [][]byte) []byte {
	var sum uint64
	for _, b := range values {
		n, _, _ := Integer(t, b)
		sum += n
	}
	var buf [8]byte
	binary.NativeEndian.PutUint64(buf[:], sum)
	return buf[:min(8, t.Size())] // all machines that gotrace runs on are little-endian
}
