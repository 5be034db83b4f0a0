package value

import (
	"encoding/hex"
	"testing"
)

// TestFloat has bytes that gcc makes of numbers on amd64 and, of 128 bits, on arm64.
func TestFloat(t *testing.T) {
	for _, test := range []struct{ bytes, want string }{
		{"0000c03f", "1.5"},
		{"cdcccc3d", "0.1"},
		{"9a9999999999b93f", "0.1"},
		{"000000000000f0bf", "-1"},
		{"000000000000f07f", "+Inf"},
		{"000000000000f87f", "NaN"},
	} {
		b, err := hex.DecodeString(test.bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendFloat(nil, b)); got != test.want {
			t.Errorf("%s is %s, want %s", test.bytes, got, test.want)
		}
	}
	for _, test := range []struct {
		bytes string
		of    func([]byte) float64
		want  float64
	}{
		{"00000000000000c0ff3f000000000000", extended, 1.5},
		{"00000000000000a0" + "00c0" + "000000000000", extended, -2.5},
		{"00000000000000000000000000000000", extended, 0},
		{"0000000000000000000000000080ff3f", quad, 1.5},
		{"00000000000000000000000000c000c0", quad, -3.5},
		{"00000000000000000000000000000000", quad, 0},
	} {
		b, err := hex.DecodeString(test.bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := test.of(b); got != test.want {
			t.Errorf("%s is %v, want %v", test.bytes, got, test.want)
		}
	}
}
