package features

import (
	"os"
	"testing"
)

// Every feature has a name of its own and says what it is for; what no kernel that gotrace runs on can lack is there.
func TestAll(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: asking the kernel for its features needs root")
	}
	seen := map[string]bool{}
	there := map[string]bool{}
	for _, f := range All() {
		if seen[f.Name] || f.For == "" || f.Group == "" {
			t.Errorf("%+v", f)
		}
		seen[f.Name], there[f.Name] = true, f.There
		t.Logf("%s: %v %s", f.Name, f.There, f.Detail)
	}
	for _, name := range []string{"capabilities", "tracepoint", "raw tracepoint", "ring buffer", "per-CPU hash", "send_signal", "bounded loops", "a million instructions"} {
		if !there[name] {
			t.Errorf("there is no %s", name)
		}
	}
	for _, f := range System() {
		if f.Name == "" || f.Value == "" {
			t.Errorf("%+v", f)
		}
	}
}
