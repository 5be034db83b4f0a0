package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

// libcProgram reads lines of how an argument is passed, the argument and, after a blank, a format of one conversion. It writes what libc makes of each, with a NUL behind.
const libcProgram = `
#include <stdio.h>
#include <string.h>
int main(void) {
	static char line[4096];
	while (fgets(line, sizeof line, stdin)) {
		char how;
		long v;
		int n = 0;
		line[strcspn(line, "\n")] = 0;
		sscanf(line, "%c %ld %n", &how, &v, &n);
		const char *format = line + n;
		switch (how) {
		case 'i': printf(format, (int)v); break;
		case 'l': printf(format, v); break;
		case 'p': printf(format, (void *)v); break;
		case 's': printf(format, v ? "text" : ""); break;
		}
		putchar(0);
	}
	return 0;
}
`

// libcCase is a conversion of a value.
type libcCase struct {
	how    byte // as libcProgram has it
	n      int64
	format string
	t      types.Type
}

// value is the case's argument as it lies in a record.
func (c *libcCase) value() []byte {
	if c.how == 's' {
		return append([]byte(map[bool]string{true: "text"}[c.n != 0]), make([]byte, 8)...)[:8]
	}
	return binary.NativeEndian.AppendUint64(nil, uint64(c.n))
}

// libcCases are all flags, with some widths and precisions, of all conversions that libc has.
func libcCases() (cases []libcCase) {
	numbers := []int64{0, 1, -1, 8, 100, -128, 65535, 1 << 31, 1 << 40, -1 << 63}
	kinds := []struct {
		how     byte
		verbs   string
		lengths []string
		numbers []int64
		types   []types.Type
	}{
		{'i', "diuoxX", []string{"", "hh", "h"}, numbers, []types.Type{types.TypeInt64, types.TypeUint64, types.Int{Bits: 8, Signed: true}, types.Int{Bits: 16}, types.Bool{}}},
		{'l', "diuoxX", []string{"l", "ll", "j", "z", "t"}, numbers, []types.Type{types.TypeInt64, types.TypeUint64, types.TypeUint32}},
		{'i', "c", []string{""}, []int64{'a', ' ', '~'}, []types.Type{types.TypeInt64, types.TypeUint8}},
		{'p', "p", []string{""}, []int64{0, 1, 0x1000, -1}, []types.Type{types.Pointer{Elem: types.Void{}}, types.TypeUint64}},
		{'s', "s", []string{""}, []int64{0, 1}, []types.Type{types.String{Len: 8}}},
	}
	for _, k := range kinds {
		for i := range k.verbs {
			for _, length := range k.lengths {
				for flags := range 1 << 5 {
					text := "%"
					for b, c := range "-+ #0" {
						if flags>>b&1 != 0 {
							text += string(c)
						}
					}
					for _, width := range []string{"", "1", "6", "24"} {
						for _, prec := range []string{"", ".0", ".3", ".12"} {
							for j, n := range k.numbers {
								t := k.types[(flags+i+j)%len(k.types)]
								format := text + width + prec + length + k.verbs[i:i+1]
								cases = append(cases, libcCase{k.how, inType(n, t), format, t})
							}
						}
					}
				}
			}
		}
	}
	return cases
}

// inType is a number as a value of a type has it.
func inType(n int64, t types.Type) int64 {
	switch t := t.(type) {
	case types.Int:
		return int64(types.CutTo(uint64(n), t))
	case types.Bool:
		return n & 1
	}
	return n
}

// TestPrintfAsLibc holds that printf lays numbers, characters, pointers and strings out as libc does.
func TestPrintfAsLibc(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("SKIPPED: gcc is not installed: the conversions of printf are not compared with libc's")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "libc")
	if err := os.WriteFile(program+".c", []byte(libcProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gcc, "-w", "-o", program, program+".c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	cases := libcCases()
	var in bytes.Buffer
	for _, c := range cases {
		fmt.Fprintf(&in, "%c %d %s\n", c.how, c.n, c.format)
	}
	cmd := exec.Command(program)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(out), "\x00")
	if len(want) != len(cases)+1 {
		t.Fatalf("%d results of %d cases", len(want)-1, len(cases))
	}
	env, wrong := &Env{}, 0
	for i, c := range cases {
		got := env.Format("["+c.format+"]", []Field{{Type: c.t}}).AppendText(nil, c.value())
		if string(got) != "["+want[i]+"]" {
			if wrong++; wrong <= 20 {
				t.Errorf("printf(%q, (%s)%d) = %q, libc has %q", c.format, c.t, c.n, got, want[i])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d conversions differ", wrong, len(cases))
	}
}
