package names

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// OfKeys are the names of the parts of the keys of maps, by the name of the map: those of the builtins, variables and members that they
// are made of, where the script names the most of them.
func OfKeys(file *ast.File) map[string][]string {
	out, most := map[string][]string{}, map[string]int{}
	if file == nil {
		return out
	}
	ast.Inspect(file, func(n source.Node) bool {
		m, ok := n.(*ast.MapRef)
		if !ok || !m.Indexed {
			return true
		}
		var list []string
		for _, k := range m.Keys {
			list = keyNames(list, k)
		}
		named := 0
		for _, name := range list {
			if name != "" {
				named++
			}
		}
		if named > most[m.Name] {
			most[m.Name], out[m.Name] = named, list
		}
		return true
	})
	for _, list := range out {
		distinct(list)
	}
	return out
}

// keyNames adds the names of the parts of a key.
func keyNames(dst []string, key ast.Expr) []string {
	switch key := key.(type) {
	case *ast.TupleExpr:
		for _, e := range key.Elems {
			dst = keyNames(dst, e)
		}
		return dst
	case *ast.RecordExpr:
		for i, e := range key.Elems {
			parts := keyNames(nil, e)
			if len(parts) == 1 {
				parts[0] = key.Names[i]
			}
			dst = append(dst, parts...)
		}
		return dst
	}
	return append(dst, strings.TrimLeft(ast.NameOf(key), "@$"))
}

// distinct leaves every name to the first part that has it.
func distinct(list []string) {
	seen := map[string]bool{}
	for i, name := range list {
		if seen[name] {
			list[i] = ""
		}
		seen[name] = true
	}
}
