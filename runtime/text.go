package runtime

import (
	"encoding/binary"
	"fmt"

	"github.com/gotrace/gotrace/lang/types"
)

func (p *textPrinter) Attached(n int) error {
	plural := "s"
	if n == 1 {
		plural = ""
	}
	_, err := fmt.Fprintf(p.err, "Attached %d probe%s\n", n, plural)
	return err
}

func (p *textPrinter) Lost(n uint64) error {
	_, err := fmt.Fprintf(p.err, "Lost %d events\n", n)
	return err
}

// Map writes "@name: value" or "@name[key]: value" for each element; histograms follow their name on lines of their own,
// with an empty line after them.
func (p *textPrinter) Map(m *MapDump) error {
	dst := p.buf[:0]
	for _, e := range m.entries {
		dst = append(append(dst, '@'), m.Map.Name...)
		if m.Map.Key != nil {
			dst = append(dst, '[')
			dst = p.values.appendKey(dst, m.Map.Key, e.key)
			dst = append(dst, ']')
		}
		dst = append(dst, ':')
		if agg, ok := m.Map.Value.(types.Agg); ok && isHist(agg) {
			dst = append(dst, '\n')
			dst = appendHistogram(dst, histRows(agg, e.words, m.Div))
		} else {
			dst = append(dst, ' ')
			dst = p.values.appendElement(dst, m.Map.Value, e, m.Div)
		}
		dst = append(dst, '\n')
	}
	p.buf = dst
	return p.out.write(dst)
}

// appendKey writes a key: the parts of a tuple without their parentheses.
func (v *values) appendKey(dst []byte, t types.Type, key []byte) []byte {
	if tuple, ok := t.(types.Tuple); ok {
		return v.appendTuple(dst, tuple, atLeast(key, tuple.Size()), "", "")
	}
	return v.append(dst, t, key)
}

// appendElement writes the value of an element, divided by div where it is a number.
func (v *values) appendElement(dst []byte, t types.Type, e entry, div int64) []byte {
	switch t := t.(type) {
	case types.Agg:
		return appendAgg(dst, t, e.words, div)
	case types.Int:
		if div == 1 {
			break
		}
		n, signed, _ := integer(t, e.value)
		var buf [8]byte
		binary.NativeEndian.PutUint64(buf[:], divide(n, signed, div))
		return appendInt(dst, types.Int{Bits: 64, Signed: signed, Enum: t.Enum}, buf[:])
	}
	return v.append(dst, t, e.value)
}

func divide(n uint64, signed bool, div int64) uint64 {
	if signed {
		return uint64(int64(n) / div)
	}
	return n / uint64(div)
}

// appendAgg writes an aggregation that is not a histogram.
func appendAgg(dst []byte, t types.Agg, words []uint64, div int64) []byte {
	value := weight(t, words)
	dst2 := divide(value, t.Signed, div)
	if t.Kind != types.AggStats {
		return appendDecimal(dst, dst2, t.Signed)
	}
	dst = appendDecimal(append(dst, "{ .count = "...), words[1], false)
	dst = appendDecimal(append(dst, ", .average = "...), dst2, t.Signed)
	dst = appendDecimal(append(dst, ", .total = "...), words[0], t.Signed)
	return append(dst, " }"...)
}
