package probes

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestParseCPUList(t *testing.T) {
	for s, want := range map[string][]int{"0": {0}, "0-2": {0, 1, 2}, "0,2-3": {0, 2, 3}} {
		if got, err := parseCPUList(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "a", "1-", "3-1", "-1", "0-999999999"} {
		if got, err := parseCPUList(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for _, tt := range []struct {
		status string
		want   error
	}{
		{"Name:\tx\nCapEff:\t000001ffffffffff\n", nil},
		{"CapEff:\t0000000000200000\n", nil}, // CAP_SYS_ADMIN
		{"CapEff:\t000000c000000000\n", nil}, // CAP_BPF, CAP_PERFMON
		{"CapEff:\t0000008000000000\n", ErrPrivileges},
		{"CapEff:\t0000000000000000\n", ErrPrivileges},
		{"no such line\n", nil},
	} {
		if err := checkCapabilities(strings.NewReader(tt.status)); !errors.Is(err, tt.want) {
			t.Errorf("%q: %v, want %v", tt.status, err, tt.want)
		}
	}
	if err := checkCapabilities(strings.NewReader("CapEff:\tx\n")); err == nil {
		t.Error("a broken set is taken")
	}
	if os.Geteuid() == 0 && CheckPrivileges() != nil {
		t.Error("root has no privileges")
	}
}

func TestEnv(t *testing.T) {
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k := e.Kernel()
	if !k.AtLeast(5, 0) || k.PossibleCPUs < k.OnlineCPUs || k.OnlineCPUs < 1 {
		t.Errorf("%+v", k)
	}
}
