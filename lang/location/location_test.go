package location

import "testing"

// Registers lie where asm/ptrace.h has them: these offsets are known from <asm/ptrace-abi.h> and user_regs.
func TestConventions(t *testing.T) {
	for arch, want := range map[string]map[string]int{
		"amd64": {"r15": 0, "bp": 32, "bx": 40, "r11": 48, "r9": 64, "r8": 72, "ax": 80, "cx": 88, "dx": 96, "si": 104, "di": 112, "ip": 128, "cs": 136, "sp": 152},
		"arm64": {"x0": 0, "x7": 56, "x29": 232, "x30": 240, "sp": 248, "pc": 256, "pstate": 264},
	} {
		c := Of(arch, false)
		for name, off := range want {
			if got, ok := c.Register(name); !ok || got != off {
				t.Errorf("%s: %s lies at %d, want %d", arch, name, got, off)
			}
		}
		if _, ok := c.Register("xmm0"); ok || len(c.Registers)*WordSize > c.Size {
			t.Errorf("%s: registers %v", arch, c.Registers)
		}
		for _, name := range append([]string{c.Return, c.SP, c.IP, c.Mode}, c.Args...) {
			if _, ok := c.Register(name); !ok {
				t.Errorf("%s: no register %s", arch, name)
			}
		}
	}
	if Of("mips", false) != nil {
		t.Error("mips is known")
	}
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		got  Location
		want string
	}{
		{Of("amd64", false).Arg(0, false), "u8 di"},
		{Of("amd64", false).Arg(5, true), "u8 r9"},
		{Of("amd64", false).Arg(7, true), "u8 user[u8 sp+16]"},
		{Of("amd64", false).StackArg(0, false), "u8 kernel[u8 sp+8]"},
		{Of("amd64", true).Arg(0, true), "u4 user[u8 sp+4]"},
		{Of("amd64", true).StackArg(2, true), "u4 user[u8 sp+12]"},
		{Of("amd64", true).Result(), "u4 ax"},
		{Of("arm64", false).Arg(8, false), "u8 kernel[u8 sp]"},
		{Of("arm64", false).Result(), "u8 x0"},
		{Of("amd64", false).PC(), "u8 ip"},
		{Of("arm64", true).UserMode(), "u8 pstate"},
		{RawArg(3), "u8 ctx+24"},
		{Const{-4}, "$-4"},
		{Register{Name: "ax", From: 1, Size: 1, Signed: true}, "s1 ax.1"},
		{Address{Offset: 7}, "+7"},
		{Memory{At: Address{Base: Memory{At: Address{Base: Register{Name: "bp", Size: 8}, Offset: -16}, Size: 8}, Index: Register{Name: "cx", Size: 4}, Scale: 4}, Size: 4, Signed: true},
			"s4 kernel[u8 kernel[u8 bp-16]+u4 cx*4]"},
		{Pieces{Parts: []Location{Register{Name: "ax", Size: 8}, Const{1}}}, "{u8 ax, $1}"},
	} {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	ax := Register{Name: "ax", Size: 8}
	for name, bad := range map[string]Location{
		"no register":      Register{Name: "eax", Size: 4},
		"no bytes":         Register{Name: "ax"},
		"beyond the end":   Register{Name: "ax", From: 1, Size: 8},
		"before the start": Register{Name: "ax", From: -1, Size: 1},
		"before ctx":       Context{Offset: -1, Size: 1},
		"empty ctx":        Context{},
		"empty memory":     Memory{At: Address{Base: ax}},
		"wide base":        Address{Base: Memory{Size: 16}},
		"bad base":         Memory{At: Address{Base: Register{Name: "x0", Size: 8}}, Size: 1},
		"bad index":        Address{Base: ax, Index: Memory{}},
		"no pieces":        Pieces{},
		"bad piece":        Pieces{Parts: []Location{ax, Context{}}},
		"empty piece":      Pieces{Parts: []Location{nil}},
		"nothing":          nil,
	} {
		if err := Check(bad, Of("amd64", false)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for _, good := range []Location{ax, Const{}, Context{Size: 100}, Address{}, Memory{At: Address{Base: ax, Index: ax, Scale: 2}, Size: 100},
		Pieces{Parts: []Location{ax, Pieces{Parts: []Location{ax}}}}} {
		if err := Check(good, Of("amd64", false)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestSame(t *testing.T) {
	ax := Register{Name: "ax", Size: 8}
	if !Same(Pieces{Parts: []Location{ax}}, Pieces{Parts: []Location{ax}}) || !Same(nil, nil) || Same(ax, nil) || Same(ax, Register{Name: "ax", Size: 4}) {
		t.Error("locations are compared wrong")
	}
}
