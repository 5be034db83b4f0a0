package getopt

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

// number reads what tests give.
func number(s string) (n uint64, neg, ok bool) {
	s, neg = strings.CutPrefix(s, "-")
	n, err := strconv.ParseUint(s, 0, 64)
	return n, neg, err == nil
}

func TestRead(t *testing.T) {
	got := Read([]string{"a", "b=", "c=x=y", "a=2"})
	want := Given{"a": {"2", true}, "b": {"", true}, "c": {"x=y", true}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestValue(t *testing.T) {
	text := "def"
	for _, tt := range []struct {
		kind Kind
		arg  string
		want uint64
		err  string
	}{
		{Bool, "o", 1, ""}, {Bool, "o=TRUE", 1, ""}, {Bool, "o=1", 1, ""}, {Bool, "o=False", 0, ""}, {Bool, "o=0", 0, ""}, {Bool, "o=", 0, "true or false"}, {Bool, "p", 7, ""},
		{Unsigned, "o=18446744073709551615", math.MaxUint64, ""}, {Unsigned, "o=-0", 0, ""}, {Unsigned, "o=-1", 0, "-1 is none"}, {Unsigned, "o=x", 0, `not "x"`}, {Unsigned, "o", 0, "--o=…"},
		{Signed, "o=-9223372036854775808", 1 << 63, ""}, {Signed, "o=9223372036854775807", math.MaxInt64, ""}, {Signed, "o=9223372036854775808", 0, "is none"}, {Signed, "p=1", 7, ""},
	} {
		o := &Option{Name: "o", Kind: tt.kind, Default: types.Const{Int: 7}}
		k, err := o.Value(Read([]string{tt.arg}), number)
		switch {
		case tt.err == "" && (err != nil || k.Int != tt.want):
			t.Errorf("%s of kind %d is %d (%v), want %d", tt.arg, tt.kind, k.Int, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s of kind %d: error %v, want one with %q", tt.arg, tt.kind, err, tt.err)
		}
	}
	o := &Option{Name: "o", Kind: Text, Default: types.Const{Str: &text}}
	for arg, want := range map[string]string{"o=": "", "o=a=b": "a=b", "p": "def"} {
		if k, err := o.Value(Read([]string{arg}), number); err != nil || *k.Str != want {
			t.Errorf("%s is %v (%v), want %q", arg, k.Str, err, want)
		}
	}
}

func TestHelp(t *testing.T) {
	if got := Help(nil); got != "The script takes no options.\n" {
		t.Errorf("got %q", got)
	}
	got := Help([]*Option{{Name: "n", Kind: Signed, Default: types.Const{Int: ^uint64(2)}, Help: "text"}, {Name: "all"}})
	if want := "Options of the script, after --:\n  --all\n  --n=NUMBER   text (default -3)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
