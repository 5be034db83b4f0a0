package ctypes

import (
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
)

// cKind is the kind of a token of C.
type cKind uint8

const (
	cEnd cKind = iota
	CWord
	cNumber
	cString
	cChar
	CPunct
)

// CToken is a token of C.
type CToken struct {
	Kind   cKind
	glued  bool  // right after the token before it
	pack   uint8 // #pragma pack where it stands
	Text   string
	File   *cFile
	Offset int    // in the file
	hidden *cHide // names of macros that it came from, which are not expanded again
}

func (t CToken) is(punct string) bool { return t.Kind == CPunct && t.Text == punct }

func (t CToken) String() string {
	if t.Kind == cEnd {
		return "its end"
	}
	return "'" + t.Text + "'"
}

// end is the place right after a token.
func (t CToken) end() CToken {
	return CToken{File: t.File, Offset: t.Offset + len(t.Text)}
}

// cPuncts are the punctuators of more than one character.
var cPuncts = []string{"...", "<<", ">>", "&&", "||", "==", "!=", "<=", ">=", "##", "->"}

// cTokens cuts bytes [i, end) of a text.
func cTokens(f *cFile, i, end int) ([]CToken, error) {
	var out []CToken
	last := -1
	for i < end {
		if n := cBlankLen(f.Text[i:end]); n > 0 {
			i += n
			continue
		}
		t, err := cTokenAt(f, i, end)
		if err != nil {
			return out, err
		}
		t.glued = i == last
		out = append(out, t)
		i += len(t.Text)
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
	return literal.BlankLen(text)
}

func cTokenAt(f *cFile, i, end int) (CToken, error) {
	rest := f.Text[i:end]
	t := CToken{Offset: i, Kind: CPunct, Text: rest[:1], File: f}
	switch {
	case literal.IsDigit(rest[0]) || rest[0] == '.' && len(rest) > 1 && literal.IsDigit(rest[1]):
		t.Kind, t.Text = cNumber, rest[:cNumberLen(rest)]
	case literal.IsWord(rest[0]):
		t.Kind, t.Text = CWord, rest[:literal.WordLen(rest)]
	case rest[0] == '"' || rest[0] == '\'':
		n := cQuotedLen(rest)
		what := "string"
		t.Kind = cString
		if rest[0] == '\'' {
			t.Kind, what = cChar, "character constant"
		}
		if n == 0 {
			return t, CErrorf(t, "this %s is never closed", what)
		}
		t.Text = rest[:n]
	default:
		for _, p := range cPuncts {
			if strings.HasPrefix(rest, p) {
				t.Text = p
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
		if !literal.IsWord(c) && c != '.' && !exponent {
			break
		}
		n++
	}
	return n
}

// str is the value of a string.
func (t CToken) str() (string, error) {
	s, bad := literal.Unquote(t.Text)
	if len(bad) > 0 {
		return "", CErrorf(t, "%s", bad[0].Message)
	}
	return s, nil
}
