package pass

import (
	"strings"
	"testing"
)

// A star is behind those that may be pointers: words loaded from the context.
func TestUnknownScalars(t *testing.T) {
	const head = "b0.entry():\nv0 = ctx\n"
	for _, tt := range []struct{ name, slots, text, want string }{
		{"only written", "", `
			v1 = load64 [v0+0]
			v2 = const 3
			v3 = mul v1, v2
			v4 = map_value m+0
			store64 [v4+0], v3
			v5 = const 0
			return v5`, "v1* v2 v3"},
		{"what a callback returns", "", `
			v1 = load64 [v0+0]
			v2 = const 3
			v3 = mul v1, v2
			branch eq v3, v2 ? b1.a() : b2.b()
			b1.a():
			v4 = const 1
			jump b3.c(v4)
			b2.b():
			v5 = const 0
			jump b3.c(v5)
			b3.c(v6):
			return v6`, "v1* v2 v3"},
		{"part of an address", "", `
			v1 = load8 [v0+0]
			v2 = const 3
			v3 = mul v1, v2
			v4 = map_value m+0
			v5 = add v4, v3
			store64 [v5+0], v1
			return v2`, ""},
		{"part of an address on one path, on both in one parameter", "", `
			v1 = load8 [v0+0]
			v2 = const 3
			branch ult v1, v2 ? b1.a() : b2.b()
			b1.a():
			jump b3.c(v1)
			b2.b():
			jump b3.c(v2)
			b3.c(v3):
			v4 = map_value m+0
			v5 = add v4, v3
			store8 [v5+0], v3
			return v2`, ""},
		{"limit of a known one", "", `
			v1 = load8 [v0+0]
			v2 = load8 [v0+8]
			v3 = load8 [v0+16]
			v4 = map_value m+0
			v5 = add v4, v1
			branch ult v1, v2 ? b1.a() : b2.b()
			b1.a():
			store8 [v5+0], v3
			jump b2.b()
			b2.b():
			v6 = const 0
			return v6`, "v3"},
		{"compared with a constant that an address is made with", "", `
			v1 = load8 [v0+0]
			v2 = const 8
			v4 = map_value m+0
			v5 = add v4, v2
			branch ult v1, v2 ? b1.a() : b2.b()
			b1.a():
			store8 [v5+0], v1
			jump b2.b()
			b2.b():
			v6 = const 0
			return v6`, "v1"},
		{"masked to be part of an address", "", `
			v1 = load64 [v0+0]
			v2 = const 7
			v3 = and v1, v2
			v4 = map_value m+0
			v5 = add v4, v3
			store8 [v5+0], v3
			v6 = const 63
			v7 = lshr v1, v6
			v8 = add v4, v7
			store8 [v8+0], v3
			return v2`, "v1* v6"},
		{"address that a helper only tries", "slot s0 8\n", `
			v1 = load64 [v0+0]
			v2 = load64 [v0+8]
			v3 = const 8
			v4 = slot s0+0
			v5 = scalar v2
			v6 = helper 113(v4, v5, v1)
			return v3`, "v1* v2* v6"},
		{"the count of a loop", "", `
			v1 = const 3
			jump b1.a(v1)
			b1.a(v2):
			v3 = const 1
			v4 = sub v2, v3
			branch ne v4, v1 ? b1.a(v4) : b2.b()
			b2.b():
			return v1`, ""},
		{"a pointer kept in the frame", "slot s0 8\n", `
			v1 = load64 [v0+0]
			v2 = slot s0+0
			v3 = load8 [v0+8]
			store64 [v2+0], v1
			store64 [v2+0], v3
			v4 = const 0
			return v4`, "v3"},
	} {
		p := parsed(t, "func f\n"+tt.slots+head+tt.text)
		f := p.Funcs[0]
		is, pointers := UnknownScalars(f)
		var got []string
		for _, b := range f.Blocks {
			for _, v := range b.Values {
				switch {
				case v.HasResult() && pointers[v.ID]:
					got = append(got, v.String()+"*")
				case v.HasResult() && is[v.ID]:
					got = append(got, v.String())
				}
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: the unknown scalars are %q, want %q", tt.name, s, tt.want)
		}
	}
}
