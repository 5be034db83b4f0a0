package types

import "testing"

// samples has a type of each kind.
var samples = []Type{
	None{}, Void{}, Bool{}, TypeInt64, Pointer{Elem: Void{}}, String{Len: 8}, Array{Elem: TypeInt64, Len: 2}, &Struct{Name: "s", Bytes: 4},
	Tuple{Elems: []Type{TypeInt64}}, Agg{Kind: AggCount}, Timestamp{}, Symbol{}, MAC{}, Buffer{Len: 4}, Inet{}, User{}, CgroupPath{},
	UserSymbol{}, Stack{Limit: 1}, Frames{},
}

// TestFacts finds kinds without a row, and rows that contradict themselves or the types.
func TestFacts(t *testing.T) {
	sample := map[Kind]Type{}
	for _, typ := range samples {
		sample[KindOf(typ)] = typ
	}
	for _, k := range Kinds() {
		f, typ := &facts[k], sample[k]
		if f.Name == "" || typ == nil {
			t.Errorf("kind %d has no row in facts, or no sample here", k)
			continue
		}
		if f.Integer && !f.Numeric || f.Counted && !f.Numeric || f.Numeric && f.Memory || f.Object && !f.Memory || f.Key && !f.Stored {
			t.Errorf("%s: the facts %+v exclude each other", k, f)
		}
		if f.Numeric && typ.Size() > 8 {
			t.Errorf("%s: %d bytes do not fit a register", k, typ.Size())
		}
		if f.Show != 0 && f.Show&ShowText == 0 {
			t.Errorf("%s: %%s shows whatever can be shown", k)
		}
		if w, ok := Widen(typ, typ); !ok || !SameType(w, typ) {
			t.Errorf("%s: a type holds its own values, but Widen gives %v, %v", k, w, ok)
		}
		for _, other := range samples {
			if SameType(typ, other) != (KindOf(other) == k) {
				t.Errorf("SameType(%s, %s) is wrong", typ, other)
			}
		}
	}
}

// TestIsKey: a tuple is a key if all in it are.
func TestIsKey(t *testing.T) {
	pair := func(x Type) Type { return Tuple{Elems: []Type{TypeInt64, Tuple{Elems: []Type{x}}}} }
	for _, tt := range []struct {
		typ  Type
		want bool
	}{
		{nil, false}, {TypeInt64, true}, {Agg{Kind: AggSum}, false}, {pair(Bool{}), true}, {pair(None{}), false}, {pair(Agg{Kind: AggSum}), false},
	} {
		if got := IsKey(tt.typ); got != tt.want {
			t.Errorf("IsKey(%v) = %v", tt.typ, got)
		}
	}
}
