package value

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/syntax"
)

// formatSpec is a conversion of a printf format, ready to use.
type formatSpec struct {
	verb                         string // "d", "s", … ; "r", "rh", "rx" for bytes; "gr" for flags of allocations
	length                       string // "", "hh", "h", "l", "ll", "j", "z", "t"
	width, prec                  int    // prec is -1 if none is given
	left, plus, space, alt, zero bool
}

// maxField bounds widths and precisions, so that a format cannot ask for gigabytes.
const maxField = 1 << 16

// newFormatSpec writes the text first: QEMU 7.2 without KVM stores the wrong truth when the store is the first to touch a page,
// and one of some hundred test runs there printed to the left.
func newFormatSpec(it syntax.FormatItem) *formatSpec {
	s := &formatSpec{verb: it.Verb, length: it.Length, width: fieldSize(it.Width, 0), prec: fieldSize(it.Prec, -1)}
	s.left = strings.Contains(it.Flags, "-")
	s.plus = strings.Contains(it.Flags, "+")
	s.space = strings.Contains(it.Flags, " ")
	s.alt = strings.Contains(it.Flags, "#")
	s.zero = strings.Contains(it.Flags, "0")
	return s
}

// fieldSize reads a width or precision. The parser gives digits only, so what cannot be read is too large.
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
