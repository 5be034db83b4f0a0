package symbols

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// Demangle gives the name that the source of C++, Rust or D has for a symbol, with and without the parameters; ok is false for
// symbols that are no such names.
func Demangle(symbol string) (full, short string, ok bool) {
	name, _, _ := strings.Cut(symbol, "@") // the rest is the symbol's version
	if strings.HasPrefix(name, "_D") {
		return demangleD(name)
	}
	if !strings.HasPrefix(name, "_Z") && !strings.HasPrefix(name, "_R") && !strings.HasPrefix(name, "__R") {
		return "", "", false
	}
	name = LegacyRust(name)
	const most = 12 // names of up to 4096 characters: a small symbol can stand for gigabytes
	full, err := demangle.ToString(name, demangle.MaxLength(most))
	if err != nil {
		return "", "", false
	}
	short, err = demangle.ToString(name, demangle.NoParams, demangle.MaxLength(most))
	if err != nil {
		short = full
	}
	return full, short, true
}
