package probes

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Who may not open a perf event is told what would help.
func TestDenied(t *testing.T) {
	for _, tt := range []struct {
		paranoid      string
		known, uprobe bool
		want          string
	}{
		{"3", true, false, "kernel.perf_event_paranoid is 3"},
		{"4", true, true, "sysctl kernel.perf_event_paranoid=2"},
		{"2", true, true, "CAP_SYS_ADMIN for uprobes"},
		{"2", true, false, "run gotrace as root"},
		{"", false, false, "run gotrace as root"},
	} {
		if got := deniedText(tt.paranoid, tt.known, tt.uprobe); !strings.Contains(got, tt.want) {
			t.Errorf("paranoid %q, uprobe %v: %q, want %q in it", tt.paranoid, tt.uprobe, got, tt.want)
		}
	}
	if got := deniedBy(unix.ENOENT, 0); got != "" {
		t.Errorf("another error has the hint %q", got)
	}
}
