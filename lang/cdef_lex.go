package lang

import "strings"

// cKind is the kind of a token of C.
type cKind uint8

const (
	cEnd cKind = iota
	cWord
	cInt
	cString
	cPunct
)

// cToken is a token of C.
type cToken struct {
	kind   cKind
	text   string
	value  uint64 // of a cInt
	str    string // of a cString
	offset int    // in the definition
	glued  bool   // right after the token before it
}

func (t cToken) is(punct string) bool { return t.kind == cPunct && t.text == punct }

func (t cToken) String() string {
	if t.kind == cEnd {
		return "its end"
	}
	return "'" + t.text + "'"
}

// cPuncts are the punctuators of more than one character.
var cPuncts = []string{"...", "<<", ">>", "&&", "||", "==", "!=", "<=", ">="}

// cTokens cuts a definition.
func cTokens(text string) ([]cToken, error) {
	var out []cToken
	end := -1
	for i := 0; i < len(text); {
		if n := cBlankLen(text[i:]); n > 0 {
			i += n
			continue
		}
		t, err := cTokenAt(text, i)
		if err != nil {
			return nil, err
		}
		t.glued = i == end
		out = append(out, t)
		i += len(t.text)
		end = i
	}
	return out, nil
}

// cBlankLen is the length of the blanks, comments and continued line ends at the start of a text.
func cBlankLen(text string) int {
	if strings.HasPrefix(text, "\\\n") {
		return 2
	}
	return blankLen(text)
}

func cTokenAt(text string, i int) (cToken, error) {
	t := cToken{offset: i, kind: cPunct, text: text[i : i+1]}
	rest := text[i:]
	switch {
	case isDigit(rest[0]):
		n := 0
		for n < len(rest) && isWord(rest[n]) {
			n++
		}
		v, err := parseInt(rest[:n])
		if err != nil {
			return t, cErrorf(t, "%v", err)
		}
		t.kind, t.text, t.value = cInt, rest[:n], v
	case isWord(rest[0]):
		t.kind, t.text = cWord, rest[:wordLen(rest)]
	case rest[0] == '"':
		n := stringLen(rest)
		if n == 0 {
			return t, cErrorf(t, "this string is never closed")
		}
		s, bad := unquote(rest[:n])
		if len(bad) > 0 {
			return t, cErrorf(t, "%s", bad[0].message)
		}
		t.kind, t.text, t.str = cString, rest[:n], s
	default:
		for _, p := range cPuncts {
			if strings.HasPrefix(rest, p) {
				t.text = p
				break
			}
		}
	}
	return t, nil
}

// stringLen is the length of the string literal that a text begins with, 0 if it has no end.
func stringLen(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
