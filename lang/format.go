package lang

import (
	"fmt"
	"strings"
)

// FormatItem is a conversion of a printf format, or, with an empty Verb, text between conversions.
type FormatItem struct {
	Text   string // of the item, as it is in the format
	Flags  string // any of "-+ #0"
	Width  string // digits, "" for none
	Prec   string // digits after the point, "" for none
	Length string // hh h l ll j z t, "" for none
	Verb   string // d i u o x X c s p r rx rh
}

// verbs are the conversions, the longer spellings first.
var verbs = []string{"rx", "rh", "r", "d", "i", "u", "o", "x", "X", "c", "s", "p"}

var lengths = []string{"hh", "h", "ll", "l", "j", "z", "t"}

// noVerbs are conversions of C that there is nothing to print with.
const noVerbs = "eEfFgGaAn"

// ParseFormat splits a printf format. A '%' that begins no conversion is text, as in bpftrace; it fails on C's
// conversions for which there are no values.
func ParseFormat(s string) ([]FormatItem, error) {
	var items []FormatItem
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
		if n == 0 && it.Text != "" {
			return nil, fmt.Errorf("%s is not supported: write %%%% for a percent sign", it.Text)
		}
		if n == 0 {
			text.WriteByte('%')
			i++
			continue
		}
		flush()
		items = append(items, it)
		i += n
	}
	flush()
	return items, nil
}

// conversion reads a conversion at the start of s and returns its length, 0 if there is none. Text is set all the same if it is one of C's.
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
	if i < len(s) && strings.IndexByte(noVerbs, s[i]) >= 0 {
		it.Text = s[:i+1]
	}
	return it, 0
}
