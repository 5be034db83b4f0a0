package value

import (
	"bytes"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

func compareStrings(a, b []byte) int {
	x, _ := layout.Text(a)
	y, _ := layout.Text(b)
	return bytes.Compare(x, y)
}

// stringCodec is for strings, which trailer follows where they were cut.
type stringCodec struct {
	typ     types.String
	trailer string
}

func (c stringCodec) appendText(dst, b []byte) []byte {
	s, cut := layout.Text(b[:c.typ.Len])
	dst = append(dst, s...)
	if cut {
		dst = append(dst, c.trailer...)
	}
	return dst
}

func (c stringCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, c.appendText(nil, b))
}

func (c stringCodec) decode(b []byte) any { return string(c.appendText(nil, b)) }

func (c stringCodec) compare(a, b []byte) int {
	return compareStrings(a[:c.typ.Len], b[:c.typ.Len])
}

// charsCodec is for arrays of so many characters in a struct or an array.
type charsCodec struct{ size int }

func (c charsCodec) appendText(dst, b []byte) []byte {
	s, _ := layout.Text(b[:c.size])
	return append(dst, s...)
}

func (c charsCodec) appendJSON(dst, b []byte) []byte {
	s, _ := layout.Text(b[:c.size])
	return AppendJSONString(dst, s)
}

func (c charsCodec) decode(b []byte) any {
	s, _ := layout.Text(b[:c.size])
	return string(s)
}

func (c charsCodec) compare(a, b []byte) int { return bytes.Compare(a[:c.size], b[:c.size]) }
