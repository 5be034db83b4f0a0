package lang

import "strings"

// cKind is the kind of a token of C.
type cKind uint8

const (
	cEnd cKind = iota
	cWord
	cNumber
	cString
	cChar
	cPunct
)

// cToken is a token of C.
type cToken struct {
	kind   cKind
	glued  bool  // right after the token before it
	pack   uint8 // #pragma pack where it stands
	text   string
	file   *cFile
	offset int    // in the file
	hidden *cHide // names of macros that it came from, which are not expanded again
}

func (t cToken) is(punct string) bool { return t.kind == cPunct && t.text == punct }

func (t cToken) String() string {
	if t.kind == cEnd {
		return "its end"
	}
	return "'" + t.text + "'"
}

// end is the place right after a token.
func (t cToken) end() cToken {
	return cToken{file: t.file, offset: t.offset + len(t.text)}
}

// cPuncts are the punctuators of more than one character.
var cPuncts = []string{"...", "<<", ">>", "&&", "||", "==", "!=", "<=", ">=", "##", "->"}

// cTokens cuts bytes [i, end) of a text.
func cTokens(f *cFile, i, end int) ([]cToken, error) {
	var out []cToken
	last := -1
	for i < end {
		if n := cBlankLen(f.text[i:end]); n > 0 {
			i += n
			continue
		}
		t, err := cTokenAt(f, i, end)
		if err != nil {
			return out, err
		}
		t.glued = i == last
		out = append(out, t)
		i += len(t.text)
		last = i
	}
	return out, nil
}

// cBlankLen is the length of the blanks, comments and continued line ends at the start of a text.
func cBlankLen(text string) int {
	switch {
	case strings.HasPrefix(text, "\\\n"):
		return 2
	case strings.HasPrefix(text, "\\\r\n"):
		return 3
	}
	return blankLen(text)
}

func cTokenAt(f *cFile, i, end int) (cToken, error) {
	rest := f.text[i:end]
	t := cToken{offset: i, kind: cPunct, text: rest[:1], file: f}
	switch {
	case isDigit(rest[0]) || rest[0] == '.' && len(rest) > 1 && isDigit(rest[1]):
		t.kind, t.text = cNumber, rest[:cNumberLen(rest)]
	case isWord(rest[0]):
		t.kind, t.text = cWord, rest[:wordLen(rest)]
	case rest[0] == '"' || rest[0] == '\'':
		n := cQuotedLen(rest)
		what := "string"
		t.kind = cString
		if rest[0] == '\'' {
			t.kind, what = cChar, "character constant"
		}
		if n == 0 {
			return t, cErrorf(t, "this %s is never closed", what)
		}
		t.text = rest[:n]
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

// cNumberLen is the length of the number that a text begins with, as the preprocessor cuts it (C11 6.4.8).
func cNumberLen(text string) int {
	n := 1
	for n < len(text) {
		c := text[n]
		exponent := (c == '+' || c == '-') && strings.IndexByte("eEpP", text[n-1]) >= 0 && !strings.HasPrefix(text, "0x")
		if !isWord(c) && c != '.' && !exponent {
			break
		}
		n++
	}
	return n
}

// str is the value of a string.
func (t cToken) str() (string, error) {
	s, bad := unquote(t.text)
	if len(bad) > 0 {
		return "", cErrorf(t, "%s", bad[0].message)
	}
	return s, nil
}
