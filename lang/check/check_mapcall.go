package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// mapArg is the map that the first argument of a function must be. nil: it is none, and the mistake is reported.
func (c *checker) mapArg(e *ast.Call) (*ast.MapRef, *mapState) {
	ref, ok := e.Args[0].(*ast.MapRef)
	if !ok {
		if t := c.value(e.Args[0]); t != nil {
			c.report(errArgType(e.Args[0], e.Name, "a map", t))
		}
		return nil, nil
	}
	return ref, c.mapUse(ref)
}

// wholeMap is clear(@m) and zero(@m).
func (c *checker) wholeMap(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	if ref == nil {
		return nil
	}
	if ref.Indexed {
		c.report(source.Errorf(ref, "map-key", "%s() takes a whole map, without a key", e.Name))
		return nil
	}
	c.checkDefined(ref, m)
	return types.None{}
}

func (c *checker) mapLen(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	if ref == nil {
		return nil
	}
	if ref.Indexed {
		c.report(source.Errorf(ref, "map-key", "len() takes a whole map, without a key"))
		return nil
	}
	c.checkDefined(ref, m)
	if m.keyless && c.final {
		c.report(source.Errorf(ref, "map-without-key", "@%s has no keys to count", m.Name))
		return nil
	}
	return types.TypeInt64
}

// elementCall is a function of one element of a map that says yes or no: delete(@m, key), delete(@m[key]) and, for a map without a key,
// delete(@m); and has_key likewise.
func (c *checker) elementCall(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	if ref == nil {
		return nil
	}
	c.checkDefined(ref, m)
	if !c.elementKey(e, ref, m) {
		return nil
	}
	return types.Bool{}
}

// elementKey checks the key of f(@m, key) or f(@m[key]).
func (c *checker) elementKey(e *ast.Call, ref *ast.MapRef, m *mapState) bool {
	keys := ref.Keys
	switch {
	case ref.Indexed && len(e.Args) > 1:
		c.report(source.Errorf(e.Args[1], "argument-count", "%s() has its key twice", e.Name))
		return false
	case len(e.Args) > 1:
		keys = e.Args[1:]
	case !ref.Indexed && m.keyed:
		c.report(source.Errorf(ref, "map-key", "%s() needs a key of @%s", e.Name, m.Name).
			WithHint("%s(@%s, key); clear(@%s) deletes all elements", e.Name, m.Name, m.Name))
		return false
	}
	return c.keyOf(m, ref, keys)
}
