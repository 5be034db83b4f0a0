package runtime

// formatSpec is a conversion of a printf format.
type formatSpec struct {
	left, plus, space, alt, zero bool
	width, prec                  int    // prec is -1 if none is given
	length                       string // "", "hh", "h", "l", "ll", "j", "z", "t"
	verb                         string // "d", "s", … ; "r", "rh", "rx" for buffers
}

// formatPiece is literal text, or a conversion of the next argument when spec is set.
type formatPiece struct {
	text string
	spec *formatSpec
}

// parseFormat splits a printf format. A '%' that starts no conversion is literal text; the checker
// has refused formats whose conversions do not fit their arguments.
func parseFormat(format string) []formatPiece {
	var pieces []formatPiece
	var lit []byte
	for i := 0; i < len(format); {
		if format[i] != '%' {
			lit = append(lit, format[i])
			i++
			continue
		}
		spec, n := parseSpec(format[i+1:])
		if n == 0 {
			lit = append(lit, '%')
			i++
			continue
		}
		i += 1 + n
		if spec.verb == "%" {
			lit = append(lit, '%')
			continue
		}
		if len(lit) > 0 {
			pieces = append(pieces, formatPiece{text: string(lit)})
			lit = nil
		}
		pieces = append(pieces, formatPiece{spec: spec})
	}
	if len(lit) > 0 {
		pieces = append(pieces, formatPiece{text: string(lit)})
	}
	return pieces
}

// Verbs and length modifiers, the longer spellings first.
var (
	formatVerbs   = []string{"rh", "rx", "r", "d", "i", "u", "o", "x", "X", "c", "s", "p", "%"}
	formatLengths = []string{"hh", "h", "ll", "l", "j", "z", "t"}
)

// parseSpec reads what follows a '%' and returns how many bytes it took, 0 if it is no conversion.
func parseSpec(s string) (*formatSpec, int) {
	spec := &formatSpec{prec: -1}
	i := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '-':
			spec.left = true
		case '+':
			spec.plus = true
		case ' ':
			spec.space = true
		case '#':
			spec.alt = true
		case '0':
			spec.zero = true
		default:
			goto width
		}
	}
width:
	i += digits(s[i:], &spec.width)
	if i < len(s) && s[i] == '.' {
		spec.prec = 0
		i++
		i += digits(s[i:], &spec.prec)
	}
	spec.length, i = prefixOf(s, i, formatLengths)
	spec.verb, i = prefixOf(s, i, formatVerbs)
	if spec.verb == "" {
		return nil, 0
	}
	return spec, i
}

// maxField bounds widths and precisions, so that a format can not ask for gigabytes.
const maxField = 1 << 16

// digits reads a decimal number and returns how many bytes it took.
func digits(s string, n *int) int {
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		*n = min(*n*10+int(s[i]-'0'), maxField)
	}
	return i
}

// prefixOf finds the first of words that s[i:] starts with, and where it ends.
func prefixOf(s string, i int, words []string) (string, int) {
	for _, w := range words {
		if len(s)-i >= len(w) && s[i:i+len(w)] == w {
			return w, i + len(w)
		}
	}
	return "", i
}
