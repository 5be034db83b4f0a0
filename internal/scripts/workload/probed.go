package main

// The functions below put their arguments where the C calling convention has them and call the
// functions that uprobes are set on: wl_add, wl_six, wl_neg, wl_say, wl_point (probed_*.s). Those are leaf
// functions in assembly, so that a return probe never confuses Go's stack unwinder.

//go:noescape
func callAdd(a, b uint64) uint64

//go:noescape
func callSix() uint64

//go:noescape
func callNeg() uint64

//go:noescape
func callSay(text *byte) *byte

//go:noescape
func callPoint(p *pt) uint64
