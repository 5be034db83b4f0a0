package usdt

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/location"
)

// variables are those that the arguments of the tests know.
func variables(name string) (uint64, bool) {
	addr, ok := map[string]uint64{"counter": 0x4000, "odd.name-1": 0x5000}[name]
	return addr, ok
}

var argTests = []struct{ arch, text, want string }{
	{"amd64", "-4@%edi 8@%rsi", "s4 di | u8 si"},
	{"amd64", "1@%ah -1@%al 2@%ax 4@%eax 8@%rax", "u1 ax.1 | s1 ax | u2 ax | u4 ax | u8 ax"},
	{"amd64", "1@%sil -2@%r8w 4@%r15d 1@%r9b 8@%r12", "u1 si | s2 r8 | u4 r15 | u1 r9 | u8 r12"},
	{"amd64", "-4@%rax 8@%eax", "s4 ax | u8 ax"}, // a part of a wider register; the whole of a narrower one
	{"amd64", "-4@$-16 4@$-16 2@$0x1f0 8@$18446744073709551615 -1@$255", "$-16 | $4294967280 | $496 | $-1 | $-1"},
	{"amd64", "-4@-20(%rbp) 8@(%rax) 2@0x10(%rsp)", "s4 user[u8 bp-20] | u8 user[u8 ax] | u2 user[u8 sp+16]"},
	{"amd64", "8@8(%rax,%rcx,4) 4@(%rax,%rbx) -8@16(,%rdx,8)",
		"u8 user[u8 ax+u8 cx*4+8] | u4 user[u8 ax+u8 bx*1] | s8 user[+u8 dx*8+16]"},
	{"amd64", "4@counter(%rip) 4@counter+8(%rip) 4@counter-8(%rip) 4@4+counter(%rip) 8@counter",
		"u4 user[u8 ip+12288] | u4 user[u8 ip+12296] | u4 user[u8 ip+12280] | u4 user[u8 ip+12292] | u8 user[u8 ip+12288]"},
	{"amd64", "4@counter(%rax) 4@counter(,%rax,4) 4@counter(%rbx,%rax,4)",
		"u4 user[u8 ip+u8 ax*1+12288] | u4 user[u8 ip+u8 ax*4+12288] | u4 user[u8 ip+u8 bx*1+u8 ax*4+12288]"},
	{"amd64", "%rdi 8f@-8(%rbp)", "u8 di | u8 user[u8 bp-8]"},
	{"amd64", "8f@%xmm0 -4@%edi", "!no register | s4 di"},
	{"amd64", "8@%fs:0 16@%rax x@%rax 8@lost(%rip) 8@(%rax 8@(%rax,%rbx,3) 8@$x",
		"!segment | !16 bytes | !no size | !no symbol | !not closed"},
	{"amd64", "  ", ""},
	{"arm64", "-4@w0 8@x30 8@sp 1@w9", "s4 x0 | u8 x30 | u8 sp | u1 x9"},
	{"arm64", "-4@[sp, 12] 8@[x0] 8@[sp,-16]", "s4 user[u8 sp+12] | u8 user[u8 x0] | u8 user[u8 sp-16]"},
	{"arm64", "4@[x1, x2] 4@[x1, x2, lsl 3] 4@[x1, w2, uxtw 2] 4@[x1, w2, sxtw]",
		"u4 user[u8 x1+u8 x2*1] | u4 user[u8 x1+u8 x2*8] | u4 user[u8 x1+u4 x2*4] | u4 user[u8 x1+s4 x2*1]"},
	{"arm64", "-4@-5 8@10 4@wzr", "$-5 | $10 | $0"},
	{"arm64", "8@x31 8@d0 4@[x0, x1, ror 3]", "!no number | !no number | !no shift"},
}

func TestArgs(t *testing.T) {
	for _, tt := range argTests {
		code := &Code{Arch: tt.arch, Address: 0x1000, Symbol: variables}
		var got []string
		for _, a := range code.Args(tt.text) {
			if a.Loc == nil {
				got = append(got, "!"+a.Why)
				continue
			}
			if err := location.Check(a.Loc, location.Of(tt.arch, false)); err != nil {
				t.Errorf("%s: %v", tt.text, err)
			}
			got = append(got, a.Loc.String())
		}
		want := strings.Split(tt.want, " | ")
		if tt.want == "" {
			want = nil
		}
		ok := len(got) >= len(want)
		for i := range want {
			if !ok {
				break
			}
			if part, why := strings.CutPrefix(want[i], "!"); why {
				ok = strings.HasPrefix(got[i], "!") && strings.Contains(got[i], part)
			} else {
				ok = got[i] == want[i]
			}
		}
		if !ok || tt.want == "" && len(got) > 0 {
			t.Errorf("%s:\n got %q\nwant %q", tt.text, got, want)
		}
	}
}

// FuzzArgs holds that no text stops the reader, and that what it reads can be made code of.
func FuzzArgs(f *testing.F) {
	for _, tt := range argTests {
		f.Add(tt.arch == "arm64", tt.text)
	}
	f.Fuzz(func(t *testing.T, arm bool, text string) {
		arch := "amd64"
		if arm {
			arch = "arm64"
		}
		code := &Code{Arch: arch, Address: 0x1000, Symbol: variables}
		for _, a := range code.Args(text) {
			if (a.Loc == nil) == (a.Why == "") {
				t.Errorf("%q: %v, %q", a.Text, a.Loc, a.Why)
			}
			if a.Loc != nil {
				if err := location.Check(a.Loc, location.Of(arch, false)); err != nil {
					t.Errorf("%q: %v", a.Text, err)
				}
			}
		}
	})
}
