package main

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"syscall"
)

// Functions of Go for uprobes in Go code: with arguments and results of all kinds.

type spot struct{ X, Y int32 }

type item struct {
	Name  string
	Tags  []string
	Where spot
	Next  *item
	Err   error
}

var errDeep = errors.New("too deep")

//go:noinline
func goInts(a int, b int8, c uint16, d bool, e int64, f uintptr) (int, error) {
	if a < 0 {
		return -1, errDeep
	}
	return a + int(b) + int(c) + int(e) + int(f), nil
}

//go:noinline
func goText(s string, b []byte, n int) string { return s + string(b[:n]) }

//go:noinline
func (p spot) add(q spot) spot { return spot{p.X + q.X, p.Y + q.Y} }

//go:noinline
func (i *item) describe(depth int) (name string, count int, err error) {
	if depth > 3 {
		return "", 0, errDeep
	}
	return i.Name, len(i.Tags), nil
}

//go:noinline
func goFloats(a float64, n int, b float32, m int) float64 {
	return a + float64(n) + float64(b) + float64(m)
}

//go:noinline
func goMany(a, b, c, d, e, f, g, h, i, j, k int) (int, int) {
	return a + j, b + c + d + e + f + g + h + i + k
}

//go:noinline
func goLarger[T int | string](a, b T) T {
	if a > b {
		return a
	}
	return b
}

//go:noinline
func goAny(x any, e error, m map[string]int) bool { return x != nil && e != nil && m != nil }

// goError is an error that is a string.
type goError string

func (e goError) Error() string { return string(e) + "!" }

// goCalled calls a closure.
//
//go:noinline
func goCalled(f func(int) int, n int) int { return f(n) }

//go:noinline
func goForever(c chan int) {
	for {
		c <- 1
	}
}

// goGrow needs a larger stack at each call.
//
//go:noinline
func goGrow(n int) int {
	var frame [200]byte
	frame[n%200] = byte(n)
	if n == 0 {
		return int(frame[3])
	}
	return goGrow(n-1) + int(frame[n%200]) - int(byte(n)) + 1
}

func goInlined(a int) int { return a * 3 }

// golang calls them.
func golang([]string) {
	sum, _ := goInts(5, -3, 60000, true, -7, 9)
	_, err := goInts(-5, -3, 60000, true, -7, 9)
	text := goText("hello, ", []byte("world!"), 5)
	p := spot{1, 2}.add(spot{30, -40})
	it := &item{Name: "first", Tags: []string{"x", "y"}, Where: p, Next: &item{Name: "second"}, Err: err}
	_ = fmt.Sprintf("%T %T %T %T", it, p, goError(""), &fs.PathError{}) // so that what describes the types is in memory
	name, count, _ := it.describe(1)
	_, _, err2 := it.describe(4)
	f := goFloats(1.5, 2, 3.5, 4)
	x, y := goMany(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	runtime.KeepAlive([]any{sum, err, text, name, count, err2, f, x, y, goLarger(1, 2), goLarger("a", "b"), goAny(it, err, map[string]int{}), goInlined(sum)})
	goAny("some text", fmt.Errorf("%w: %d times", errDeep, 7), nil)
	goAny(p, nil, nil)
	goAny(syscall.ENOENT, &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, nil)
	goAny(nil, goError("own"), nil)
	func() { goCalled(func(n int) int { return n + count }, 5) }()
	c := make(chan int)
	go goForever(c)
	<-c
}

// gogrow starts N goroutines, each of which calls goGrow(DEPTH), which calls itself so many times, TIMES.
func gogrow(args []string) {
	var wg sync.WaitGroup
	depth, times := num(args, 1, 100), num(args, 2, 1)
	for range num(args, 0, 1) {
		wg.Go(func() {
			for range times {
				if got := goGrow(depth); got != depth {
					panic("wrong sum")
				}
			}
		})
	}
	wg.Wait()
}
