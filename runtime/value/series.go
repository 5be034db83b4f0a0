package value

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// seriesCodec is for tseries(), as Merge leaves it. A word behind the value, which Sort adds, says when the series of all elements of
// the map end.
type seriesCodec struct {
	typ   types.Agg
	clock *Clock
}

// epochs are the intervals that have a value, by their number plus one.
func (c seriesCodec) epochs(b []byte) map[uint64]uint64 {
	out := map[uint64]uint64{}
	for at := 0; at < layout.AggWords(c.typ); at += layout.SeriesWords {
		of := b[layout.Word(at):]
		if epoch := word(of[layout.Word(layout.SeriesEpoch):]); epoch != 0 {
			out[epoch] = word(of[layout.Word(layout.SeriesNumber):])
		}
	}
	return out
}

// last is the newest interval that has a value, 0 if none has.
func (c seriesCodec) last(b []byte) (last uint64) {
	for at := 0; at < layout.AggWords(c.typ); at += layout.SeriesWords {
		last = max(last, word(b[layout.Word(at+layout.SeriesEpoch):]))
	}
	return last
}

// endTogether notes in each element when the series of all of them end.
func (c seriesCodec) endTogether(elems []Raw) {
	size := aggSize(c.typ)
	var end uint64
	for i := range elems {
		elems[i].Value = atLeast(elems[i].Value, size)
		end = max(end, c.last(elems[i].Value))
	}
	for i := range elems {
		elems[i].Value = binary.NativeEndian.AppendUint64(elems[i].Value[:size:size], end)
	}
}

// points are the intervals from the first that has a value to the last of all elements.
func (c seriesCodec) points(b []byte) Series {
	epochs, end := c.epochs(b), c.last(b)
	if own := from(b, aggSize(c.typ)); len(own) >= 8 {
		end = word(own)
	}
	first := uint64(1)
	if n := uint64(c.typ.Count); end >= n {
		first = end - n + 1
	}
	var out Series
	for epoch := first; epoch <= end && end != 0; epoch++ {
		n, ok := epochs[epoch]
		if !ok && out == nil {
			continue
		}
		p := SeriesPoint{Start: c.clock.wall("tai", (epoch-1)*uint64(c.typ.Every))}
		if ok {
			p.Value = number64(n, c.typ.Signed)
		}
		out = append(out, p)
	}
	return out
}

func (c seriesCodec) decode(b []byte) any { return c.points(b) }

func (c seriesCodec) compare(a, b []byte) int { return compareInts(c.last(a), c.last(b), false) }

// appendJSON leaves out intervals without a value. Their times are in UTC.
func (c seriesCodec) appendJSON(dst, b []byte) []byte {
	dst = append(dst, '[')
	some := false
	for _, p := range c.points(b) {
		if p.Value == nil {
			continue
		}
		if some {
			dst = append(dst, ',')
		}
		some = true
		dst = p.Start.UTC().AppendFormat(append(dst, `{"interval_start":"`...), "2006-01-02 15:04:05.000000000")
		dst = append(appendJSONNumber(append(dst, `","value":`...), bitsOf(p.Value), c.typ.Signed), '}')
	}
	return append(dst, ']')
}

// bitsOf is a number as number64 has taken it.
func bitsOf(v any) uint64 {
	if n, ok := v.(int64); ok {
		return uint64(n)
	}
	return v.(uint64)
}

// seriesWidth is how many characters the picture of a series has between the time and the value.
const seriesWidth = 53

// appendText draws a line for each interval, with a star at its value between the least and the greatest of all, and a column of points where 0
// is.
func (c seriesCodec) appendText(dst, b []byte) []byte {
	points := c.points(b)
	if len(points) == 0 {
		return append(dst, "<no data>"...)
	}
	p := seriesPicture{signed: c.typ.Signed}
	p.least, p.most = c.span(points)
	p.setUnit(points)
	dst = p.appendBounds(dst)
	dst = appendPadded(dst, p.title(), p.timeWidth+1)
	dst = append(appendRepeated(append(dst, '|'), '_', seriesWidth-2), "|\n"...)
	for _, at := range points {
		dst = p.appendPoint(dst, at)
	}
	dst = appendRepeated(dst, ' ', p.timeWidth+1)
	dst = append(appendRepeated(append(dst, 'v'), '_', seriesWidth-2), "v\n"...)
	return p.appendBounds(dst)
}

// span is the least and the greatest value. Where they are the same the picture gets some room on both sides.
func (c seriesCodec) span(points Series) (least, most uint64) {
	some := false
	for _, p := range points {
		if p.Value == nil {
			continue
		}
		n := bitsOf(p.Value)
		if !some || compareInts(n, least, c.typ.Signed) < 0 {
			least = n
		}
		if !some || compareInts(n, most, c.typ.Signed) > 0 {
			most = n
		}
		some = true
	}
	if least != most {
		return least, most
	}
	lowest, highest := uint64(0), uint64(math.MaxUint64)
	if c.typ.Signed {
		lowest, highest = 1<<63, math.MaxInt64
	}
	if least != lowest {
		least--
	}
	if most != highest {
		most++
	}
	return least, most
}

// seriesPicture is how a series is drawn.
type seriesPicture struct {
	signed      bool
	least, most uint64
	timeWidth   int
	unit        string // of the fraction of a second
	digits      int
}

// setUnit chooses the unit in which intervals have at least one digit.
func (p *seriesPicture) setUnit(points Series) {
	every := points[len(points)-1].Start.Sub(points[0].Start) / time.Duration(max(1, len(points)-1))
	switch {
	case every >= time.Second:
	case every >= time.Millisecond:
		p.unit, p.digits = "ms", 3
	case every >= time.Microsecond:
		p.unit, p.digits = "μs", 6
	default:
		p.unit, p.digits = "ns", 9
	}
	p.timeWidth = len("hh:mm:ss")
	if p.digits > 0 {
		p.timeWidth += 1 + p.digits
	}
}

func (p *seriesPicture) title() string {
	if p.digits == 0 {
		return "hh:mm:ss"
	}
	return "hh:mm:ss." + p.unit
}

// appendBounds writes the least and the greatest value above or below the picture.
func (p *seriesPicture) appendBounds(dst []byte) []byte {
	const left = 21
	dst = appendRepeated(dst, ' ', p.timeWidth+1)
	dst = appendPadded(dst, string(appendDecimal(nil, p.least, p.signed)), left)
	most := appendDecimal(nil, p.most, p.signed)
	dst = appendRepeated(dst, ' ', seriesWidth-left-len(most))
	return append(append(dst, most...), '\n')
}

// column is where a value lies in a picture of so many columns, in single precision, as bpftrace computes it.
func (p *seriesPicture) column(n uint64, columns int) int {
	return min(int(float32(columns)*float32(n-p.least)/float32(p.most-p.least)), seriesWidth-1)
}

func (p *seriesPicture) appendPoint(dst []byte, at SeriesPoint) []byte {
	format := "15:04:05"
	if p.digits > 0 {
		format += "." + "000000000"[:p.digits]
	}
	dst = append(at.Start.AppendFormat(dst, format), ' ')
	line := appendRepeated([]byte{'|'}, ' ', seriesWidth-2)
	line = append(line, '|')
	if p.signed && int64(p.least) < 0 && int64(p.most) > 0 {
		line[p.column(0, seriesWidth)] = '.'
	}
	if at.Value == nil {
		return append(append(dst, line...), " -\n"...)
	}
	n := bitsOf(at.Value)
	line[p.column(n, seriesWidth-1)] = '*'
	dst = append(append(dst, line...), ' ')
	return append(appendDecimal(dst, n, p.signed), '\n')
}

// appendPadded adds a text and blanks up to n characters.
func appendPadded(dst []byte, s string, n int) []byte {
	return appendRepeated(append(dst, s...), ' ', n-utf8.RuneCountInString(s))
}
