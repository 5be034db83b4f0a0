//go:build linux

package main

import "testing"

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 3},
	}
	for _, tt := range tests {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestRatio(t *testing.T) {
	tests := []struct {
		values []float64
		want   string
	}{
		{nil, "-"},
		{[]float64{5}, "-"},
		{[]float64{0, 10}, "-"},
		{[]float64{4, 10}, "2.5x"},
	}
	for _, tt := range tests {
		if got := ratio(tt.values); got != tt.want {
			t.Errorf("ratio(%v) = %q, want %q", tt.values, got, tt.want)
		}
	}
}
