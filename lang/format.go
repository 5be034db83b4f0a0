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

// ParseFormat splits a printf format. It fails on a '%' that begins no conversion.
func ParseFormat(s string) ([]FormatItem, error) {
	var items []FormatItem
	text := ""
	flush := func() {
		if text != "" {
			items = append(items, FormatItem{Text: text})
			text = ""
		}
	}
	for i := 0; i < len(s); {
		if s[i] != '%' {
			text += s[i : i+1]
			i++
			continue
		}
		if strings.HasPrefix(s[i:], "%%") {
			text += "%"
			i += 2
			continue
		}
		it, n := conversion(s[i:])
		if n == 0 {
			end := min(len(s), i+4)
			return nil, fmt.Errorf("%q begins no conversion: write %%%% for a percent sign", s[i:end])
		}
		flush()
		items = append(items, it)
		i += n
	}
	flush()
	return items, nil
}

// conversion reads a conversion at the start of s and returns its length, 0 if there is none.
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
	return it, 0
}
