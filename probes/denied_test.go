package probes

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhyDenied(t *testing.T) {
	for _, tt := range []struct{ lockdown, status, want string }{
		{"none integrity [confidentiality]\n", "", "lockdown"},
		{"[none] integrity confidentiality\n", "Seccomp:\t0\n", ""},
		{"", "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n", "seccomp"},
		{"", "", ""},
	} {
		if got := whyDenied([]byte(tt.lockdown), []byte(tt.status)); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q, %q: %q; want %q", tt.lockdown, tt.status, got, tt.want)
		}
	}
	if got := WhyDenied(fmt.Errorf("opening: %w", unix.EMFILE)); !strings.Contains(got, "ulimit -n") {
		t.Errorf("EMFILE: %q", got)
	}
	if got := WhyDenied(unix.EINVAL); got != "" {
		t.Errorf("EINVAL: %q", got)
	}
}
