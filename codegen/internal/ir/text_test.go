package ir

import (
	"strings"
	"testing"
)

// everyForm has each form of the text once.
const everyForm = `func main
  slot s0 16 ; key
  slot s1 8 ; tmp
b0.entry():
  v0 = ctx
  v1 = const -5
  v2 = load8.pure [v0+16]
  v3 = slot s0+8
  store64 [v3+0], v2
  v5 = add v1, v2
  v6 = shl32 v5, v1
  v7 = zext16 v6
  v8 = sext8 v7
  v9 = bswap32 v8
  v10 = cmp slt v9, v1
  v11 = map_ptr @x
  v12 = map_value @x+24
  v13 = func_ptr body
  v14 = helper.pure 14()
  v15 = helper 1(v11, v3)
  v16 = kfunc 7777(v15)
  v17 = scalar v16
  v18 = neg v17
  atomic_add64 [v12-8], v18
  v20 = atomic_fetch32 [v12+0], v18
  v21 = xchg64 [v12+0], v20
  v22 = call body(v18, v21)
  v23 = global sub(v3, v1)
  branch.unlikely set v21, v10 ? b1.cold(v18) : b2.rest()
b1.cold(v24):
  return v24
b2.rest():
  branch eq v15, v1 ? b3.a() : b4.b()
b3.a():
  jump b4.b()
b4.b():
  return v1

func body
b0.entry(v0, v1):
  return v1

func sub global[8 0]
b0.entry(v0, v1):
  return v1
`

func TestTextRoundTrip(t *testing.T) {
	p, err := Parse(everyForm)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(p); err != nil {
		t.Fatal(err)
	}
	if got := p.String(); got != everyForm {
		t.Errorf("printed again it is\n%s", got)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "no function"},
		{"no function", "b0.entry():", "before a function"},
		{"no block", "func f\n  v0 = const 1", "outside of a block"},
		{"no blocks", "func f", "no blocks"},
		{"undefined value", "func f\nb0.entry():\n return v9", "v9 is used"},
		{"undefined block", "func f\nb0.entry():\n jump b1.x()", "b1.x does not exist"},
		{"twice", "func f\nb0.entry():\n v0 = const 1\n v0 = const 2\n return v0", "line 4: v0 is defined twice"},
		{"operation", "func f\nb0.entry():\n v0 = frob 1\n return v0", `no operation "frob"`},
		{"width", "func f\nb0.entry():\n v0 = const 1\n v1 = add17 v0, v0\n return v0", `no operation "add17"`},
		{"result", "func f\nb0.entry():\n v0 = const 1\n add v0, v0\n return v0", "a result where there is none"},
		{"comparison", "func f\nb0.entry():\n v0 = const 1\n v1 = cmp lt v0, v0\n return v0", `no comparison "lt"`},
		{"slot", "func f\nb0.entry():\n v0 = slot s3+0\n return v0", "no slot s3"},
		{"after the end", "func f\nb0.entry():\n v0 = const 1\n return v0\n v1 = const 1", "outside of a block"},
		{"constant", "func f\nb0.entry():\n v0 = const x\n return v0", "invalid syntax"},
		{"branch", "func f\nb0.entry():\n v0 = const 1\n branch eq v0, v0 b1.x()", "without targets"},
		{"global", "func f global[x]\nb0.entry():", "no number of bytes"},
		{"edge", "func f\nb0.entry():\n jump b1.x", "no list in parentheses"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestVerifyErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"use before definition", "v1 = add v0, v0\n v0 = const 1\n return v1", "not defined on every path"},
		{"one path only", "v0 = const 1\n branch eq v0, v0 ? b1.a() : b2.b()\nb1.a():\n v1 = const 2\n jump b2.b()\nb2.b():\n return v1", "not defined on every path"},
		{"edge arguments", "v0 = const 1\n jump b1.a(v0)\nb1.a():\n return v0", "1 arguments for 0 parameters"},
		{"no end", "v0 = const 1", "no end"},
		{"entry again", "v0 = const 1\n jump b0.entry()", "edge to the entry"},
		{"arity", "v0 = const 1\n v1 = add v0\n return v1", "1 arguments, not 2"},
		{"six arguments", "v0 = const 1\n v1 = helper 1(v0, v0, v0, v0, v0, v0)\n return v1", "a call takes 5"},
		{"load size", "v0 = ctx\n v1 = load24 [v0+0]\n return v1", "size 3"},
		{"atomic size", "v0 = map_value m+0\n v1 = xchg8 [v0+0], v0\n return v1", "size 1"},
		{"cut", "v0 = const 1\n v1 = zext7 v0\n return v1", "cut to 7 bits"},
		{"slot offset", "v0 = slot s0+24\n return v0", "offset 24"},
		{"slot access", "v0 = slot s0+8\n v1 = load64 [v0+1]\n return v1", "bytes 9 to 17"},
		{"global", "v0 = const 1\n v1 = global g(v0)\n return v1\nfunc g\nb0.entry(v0):\n return v0", "not called so"},
		{"call of a global", "v0 = const 1\n v1 = call g(v0)\n return v1\nfunc g global[0]\nb0.entry(v0):\n return v0", "not called so"},
		{"undescribed", "v0 = const 1\n v1 = global g(v0)\n return v1\nfunc g global[]\nb0.entry(v0):\n return v0", "0 of 1 parameters"},
		{"no result", "v0 = slot s0+0\n store64 [v0+0], v0\n v2 = func_ptr g\n return v2", "no such function"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("func f\n slot s0 16 ; s\nb0.entry():\n " + tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if err := Verify(p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestVerifyForeignValue(t *testing.T) {
	f, g := NewFunc("f", 0), NewFunc("g", 0)
	NewBuilder(f).Return(NewBuilder(f).Const(1))
	b := NewBuilder(g)
	b.Return(f.Blocks[0].Values[0])
	err := Verify(&Program{Funcs: []*Func{f, g}})
	if err == nil || !strings.Contains(err.Error(), "not in the function") {
		t.Errorf("error %v", err)
	}
}

func TestVerifyContextInCallback(t *testing.T) {
	f := NewFunc("body", 2)
	b := NewBuilder(f)
	b.Return(b.Ctx())
	err := VerifyFunc(f)
	if err == nil || !strings.Contains(err.Error(), "main function's") {
		t.Errorf("error %v", err)
	}
}
