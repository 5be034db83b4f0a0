package runtime

import (
	"testing"

	"github.com/gotrace/gotrace/probes"
)

// fakeSampler is a clock on a CPU with samples that were due.
type fakeSampler struct {
	cpu int
	due uint64
}

func (f fakeSampler) Close() error { return nil }
func (f fakeSampler) CPU() int     { return f.cpu }
func (f fakeSampler) Due() uint64  { return f.due }

// Samples are compared CPU by CPU: what one CPU has more does not hide what another missed, and the last sample of each clock may be
// missing.
func TestMissedSamples(t *testing.T) {
	for _, tt := range []struct {
		name        string
		links       probes.Links
		runs        []uint64
		missed, due uint64
	}{
		{"none", probes.Links{fakeSampler{0, 99}, fakeSampler{1, 99}}, []uint64{99, 99}, 0, 198},
		{"the last is on its way", probes.Links{fakeSampler{0, 99}, fakeSampler{1, 99}}, []uint64{98, 98}, 0, 198},
		{"more than due", probes.Links{fakeSampler{0, 99}, fakeSampler{1, 99}}, []uint64{100, 97}, 2, 198},
		{"two clocks on a CPU", probes.Links{fakeSampler{0, 99}, fakeSampler{0, 50}}, []uint64{147}, 0, 149},
		{"two clocks on a CPU, missed", probes.Links{fakeSampler{0, 99}, fakeSampler{0, 50}}, []uint64{146}, 3, 149},
		{"nothing ran", probes.Links{fakeSampler{1, 10}}, []uint64{10, 0}, 10, 10},
		{"something else", probes.Links{probes.Links{}}, nil, 0, 0},
	} {
		missed, due := missedOf(tt.links, func(cpu int) uint64 { return tt.runs[cpu] })
		if missed != tt.missed || due != tt.due {
			t.Errorf("%s: missed %d of %d, want %d of %d", tt.name, missed, due, tt.missed, tt.due)
		}
	}
}
