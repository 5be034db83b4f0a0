package probes

import (
	"testing"

	"github.com/gotrace/gotrace/lang"
)

func TestSamplePeriod(t *testing.T) {
	for _, tt := range []struct {
		target lang.Target
		want   uint64
	}{
		{lang.Target{Hz: 99}, 10101010},
		{lang.Target{Hz: 1}, 1e9},
		{lang.Target{Hz: 100_000}, 10_000},
		{lang.Target{Period: 5e6}, 5e6},
		{lang.Target{Period: 1000}, 10_000}, // the kernel's shortest
	} {
		if got := samplePeriod(&tt.target); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.target, got, tt.want)
		}
	}
}

func TestScale(t *testing.T) {
	for _, tt := range []struct {
		n    uint64
		s    share
		want uint64
	}{
		{1e18, share{5, 5}, 1e18},
		{1e18, share{999_999, 1_000_000}, 1e18},
		{1e18, share{1e18, 4e18}, 25e16},
		{7, share{0, 1}, 0},
	} {
		if got := scale(tt.n, tt.s); got != tt.want {
			t.Errorf("%d * %+v = %d, want %d", tt.n, tt.s, got, tt.want)
		}
	}
}
