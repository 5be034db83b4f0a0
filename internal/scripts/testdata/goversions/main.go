// Goversions has functions with arguments of many kinds, for old and new compilers of Go.
package main

import (
	"errors"
	"fmt"
	"os"
)

type pt struct{ X, Y int32 }

//go:noinline
func ints(a int, b int8, s string, p pt) (int, error) {
	if a < 0 {
		return -1, errors.New("negative")
	}
	return a + int(b) + len(s) + int(p.X), nil
}

//go:noinline
func any2(x any, e error) bool { return x != nil && e != nil }

//go:noinline
func (p *pt) method(n int) int { return n + int(p.Y) }

//go:noinline
func larger[T int | string](a, b T) T {
	if a > b {
		return a
	}
	return b
}

func main() {
	n, err := ints(3, -4, "hello", pt{5, 6})
	m, err2 := ints(-3, -4, "hello", pt{5, 6})
	p := &pt{1, 2}
	_ = fmt.Sprintf("%T %T", p, err2)
	any2("text", err2)
	any2(p, fmt.Errorf("wrapped: %w", err2))
	if n+m+p.method(7)+larger(1, 2) == 0 || err != nil || larger("a", "b") == "" {
		os.Exit(3)
	}
}
