package scripts

import "testing"

func TestParseVersion(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{"6.1", 6<<8 | 1},
		{"6.12", 6<<8 | 12},
		{"6.1.0-56-cloud-amd64", 6<<8 | 1},
		{"6.12.117+deb12-cloud-amd64", 6<<8 | 12},
	}
	for _, tt := range tests {
		if got, err := parseVersion(tt.in); err != nil || got != tt.want {
			t.Errorf("parseVersion(%q) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "6", "six.one", "fprobe"} {
		if _, err := parseVersion(bad); err == nil {
			t.Errorf("parseVersion(%q) gives no error", bad)
		}
	}
}

// TestNeedsAreKnown checks the needs of the whole table.
func TestNeedsAreKnown(t *testing.T) {
	for _, c := range table(t) {
		if _, err := Missing(c); err != nil {
			t.Error(err)
		}
	}
}
