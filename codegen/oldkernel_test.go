package codegen

import (
	"errors"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/langtest"
)

// TestOldKernels compiles what a kernel is too old for: the script is refused by name, not by the verifier, and the next kernel takes it.
func TestOldKernels(t *testing.T) {
	const pair = "rawtracepoint:sys_enter { @x = max(1); } rawtracepoint:sys_exit { @x = max(2); }"
	for _, tt := range []struct {
		script       string
		major, minor uint32
		want         string
	}{
		{`BEGIN { for ($i : 0..pid) { @x = $i; } }`, 5, 17, "a loop needs Linux 5.17 (bpf_loop)"},
		{`BEGIN { while (rand > 1) { @x++; } }`, 5, 17, "a loop needs Linux 5.17 (bpf_loop)"},
		{`BEGIN { @x[1] = 1; for ($kv : @x) { print($kv.0); } }`, 5, 13, "a loop over a map needs Linux 5.13 (bpf_for_each_map_elem)"},
		{`BEGIN { @x[1] = 1; print(len(@x)); }`, 5, 13, "len of a map needs Linux 5.13 (bpf_for_each_map_elem)"},
		{`BEGIN { @x[1] = count(); if (@x[1] > 5) { exit(); } }`, 5, 19, "reading @x in a probe needs Linux 5.19 (bpf_map_lookup_percpu_elem)"},
		{`BEGIN { print(nsecs(tai)); }`, 6, 1, "nsecs(tai) needs Linux 6.1 (bpf_ktime_get_tai_ns)"},
		{`BEGIN { @[str(0)] = 1; }`, 5, 11, "a key of 1024 bytes needs Linux 5.11 (512 before)"},
		{pair, 5, 12, "max() of @x in probes that can interrupt each other, or themselves, needs Linux 5.12 (atomic exchange)"},
	} {
		env := langtest.New()
		env.KernelInfo.Version = tt.major<<16 | (tt.minor-1)<<8
		if tt.minor == 0 {
			t.Fatal("the version before a major one is not known here")
		}
		_, err := Compile(checkedFor(t, tt.script, env), env, nil)
		var old *Error
		if !errors.As(err, &old) || old.Message != tt.want || old.Needs != tt.major<<16|tt.minor<<8 {
			t.Errorf("%s on Linux %d.%d: %v", tt.script, tt.major, tt.minor-1, err)
		}
		env.KernelInfo.Version = tt.major<<16 | tt.minor<<8
		if _, err := Compile(checkedFor(t, tt.script, env), env, nil); err != nil {
			t.Errorf("%s on Linux %d.%d: %v", tt.script, tt.major, tt.minor, err)
		}
	}
}

// The scratch frame of a program that cannot begin again has no busy flag.
func TestScratchFrames(t *testing.T) {
	const linux5_10, linux6_1 = 5<<16 | 10<<8, 6<<16 | 1<<8
	for version, frames := range map[uint32]int{linux5_10: scratchFrames, linux6_1: 1} {
		env := langtest.New()
		env.KernelInfo.Version = version
		bp, err := Compile(checkedFor(t, `rawtracepoint:sys_enter { $s = str(arg1); if ($s == "x") { @ = count(); } }`, env), env, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range bp.Maps {
			if strings.HasPrefix(m.Name, layout.MapScratch) && (m.ValueSize/env.KernelInfo.PossibleCPUs >= scratchFrames*1024) != (frames > 1) {
				t.Errorf("on %#x the scratch map has %d bytes for %d CPUs, want %d frames", version, m.ValueSize, env.KernelInfo.PossibleCPUs, frames)
			}
		}
	}
}
