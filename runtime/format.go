package runtime

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang"
)

// formatSpec is a conversion of a printf format, ready to use.
type formatSpec struct {
	left, plus, space, alt, zero bool
	width, prec                  int    // prec is -1 if none is given
	length                       string // "", "hh", "h", "l", "ll", "j", "z", "t"
	verb                         string // "d", "s", … ; "r", "rh", "rx" for bytes; "gr" for flags of allocations
}

// maxField bounds widths and precisions, so that a format can not ask for gigabytes.
const maxField = 1 << 16

func newFormatSpec(it lang.FormatItem) *formatSpec {
	s := &formatSpec{
		left:   strings.Contains(it.Flags, "-"),
		plus:   strings.Contains(it.Flags, "+"),
		space:  strings.Contains(it.Flags, " "),
		alt:    strings.Contains(it.Flags, "#"),
		zero:   strings.Contains(it.Flags, "0"),
		width:  fieldSize(it.Width, 0),
		prec:   fieldSize(it.Prec, -1),
		length: it.Length,
		verb:   it.Verb,
	}
	return s
}

// fieldSize reads a width or precision. The parser gives digits only, so what can not be read is too large.
func fieldSize(digits string, none int) int {
	if digits == "" {
		return none
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return maxField
	}
	return min(n, maxField)
}
