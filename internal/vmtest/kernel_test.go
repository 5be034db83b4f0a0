package vmtest

import "testing"

func TestNewest(t *testing.T) {
	names := []string{
		"linux-image-6.1.0-9-cloud-amd64",
		"linux-image-6.1.0-56-cloud-amd64",
		"linux-image-6.1.0-56-cloud-amd64-dbg",
		"linux-image-6.1.0-56-cloud-amd64-unsigned",
		"linux-image-6.1.0-60-rt-amd64",
		"linux-image-6.12.9+deb12-cloud-amd64",
		"linux-image-6.12.117+deb12-cloud-amd64",
		"linux-image-6.12-cloud-amd64",
		"fetch-123",
	}
	tests := []struct{ series, want string }{
		{"6.1", "linux-image-6.1.0-56-cloud-amd64"},
		{"6.12", "linux-image-6.12.117+deb12-cloud-amd64"},
		{"5.10", ""},
	}
	for _, tt := range tests {
		if got := newest(names, kernelPattern(tt.series)); got != tt.want {
			t.Errorf("newest of %s is %q, want %q", tt.series, got, tt.want)
		}
	}
}
