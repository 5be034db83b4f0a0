package syntax

import (
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
)

// FormatItem is a conversion of a printf format, or, with an empty Verb, text between conversions.
type FormatItem struct {
	Text   string // of the item, as it is in the format
	Flags  string // any of "-+ #0"
	Width  string // digits, "" for none
	Prec   string // digits after the point, "" for none
	Length string // hh h l ll j z t, "" for none
	Verb   string // d i u o x X c s p r rx rh gr
}

// NoConversion is what looks like a conversion in a printf format and is none: the bytes [Start, End) of the format.
type NoConversion struct {
	Start, End int
	Text       string // of the format
	Bad        bool   // refused even if the number of arguments is right
}

// verbs are the conversions, the longer spellings first.
var verbs = []string{"rx", "rh", "r", "gr", "d", "i", "u", "o", "x", "X", "c", "s", "p"}

var lengths = []string{"hh", "h", "ll", "l", "j", "z", "t", "L"}

// MaxField is the largest width and precision of a conversion.
const MaxField = 4096

// ParseFormat splits a printf format. A '%' that begins no conversion is text, as in bpftrace; odd is the first one before a letter, nil
// if there is none.
func ParseFormat(s string) (items []FormatItem, odd *NoConversion) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			items = append(items, FormatItem{Text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); {
		if s[i] != '%' {
			text.WriteByte(s[i])
			i++
			continue
		}
		if strings.HasPrefix(s[i:], "%%") {
			text.WriteByte('%')
			i += 2
			continue
		}
		it, n := conversion(s[i:])
		if it.Verb == "" {
			if bad := n > 0 && s[i+n-1] == '%'; n > 0 && (odd == nil || bad && !odd.Bad) {
				odd = &NoConversion{Start: i, End: i + n, Text: s[i : i+n], Bad: bad}
			}
			text.WriteByte('%')
			i++
			continue
		}
		flush()
		items = append(items, it)
		i += n
	}
	flush()
	return items, odd
}

// conversion reads a conversion at the start of s and returns its length, 0 if there is none. One without a Verb
// ends in what does not belong there.
func conversion(s string) (FormatItem, int) {
	var it FormatItem
	i := 1
	take := func(set string) string {
		from := i
		for i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
			i++
		}
		return s[from:i]
	}
	it.Flags = take("-+ #0")
	it.Width = take("0123456789")
	if i < len(s) && s[i] == '.' {
		i++
		if it.Prec = take("0123456789"); it.Prec == "" {
			it.Prec = "0"
		}
	}
	for _, l := range lengths {
		if strings.HasPrefix(s[i:], l) {
			it.Length = l
			i += len(l)
			break
		}
	}
	for _, v := range verbs {
		if strings.HasPrefix(s[i:], v) {
			it.Verb = v
			it.Text = s[:i+len(v)]
			return it, i + len(v)
		}
	}
	switch {
	case i > 1 && i < len(s) && s[i] == '%' && !strings.Contains(it.Flags, " "): // "%5%"
		return it, i + 1
	case strings.Contains(it.Flags, " "): // "100% yes"
		return it, 0
	case i < len(s) && (s[i] == '*' || s[i] != '_' && literal.IsWordStart(s[i])):
		return it, i + 1
	case it.Length != "": // a letter, too, but no conversion by itself
		return it, i
	}
	return it, 0
}

// IntBits is the width in bits to which a conversion of a number cuts it: that of C's int unless a length says otherwise.
func IntBits(length string) int {
	switch length {
	case "hh":
		return 8
	case "h":
		return 16
	case "":
		return 32
	}
	return 64
}
