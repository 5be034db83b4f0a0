package symbolizer

import (
	"strings"

	"github.com/ianlancetaylor/demangle"

	"github.com/gotrace/gotrace/internal/symbols"
)

// demangled is the name of a function of C++, Rust or D as in the source, other names as they are. Names that would become too long, as
// a hostile file can have them, stay as they are, too.
func demangled(name string) string {
	if strings.HasPrefix(name, "_D") {
		if full, _, ok := symbols.Demangle(name); ok {
			return full
		}
		return name
	}
	if !strings.HasPrefix(name, "_Z") && !strings.HasPrefix(name, "_R") && !strings.HasPrefix(name, "__Z") {
		return name
	}
	if len(name) > maxMangled {
		return name
	}
	return demangle.Filter(symbols.LegacyRust(name), demangle.NoClones, demangle.MaxLength(maxShown))
}

// maxMangled bounds the names that are demangled, maxShown (a power of two's exponent) what becomes of one.
const (
	maxMangled = 16 << 10
	maxShown   = 14
)
