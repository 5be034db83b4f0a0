//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chdir is chdir(2) without the conversions of package unix.
func chdir(name *byte) {
	unix.Syscall(unix.SYS_CHDIR, uintptr(unsafe.Pointer(name)), 0, 0)
}

// rates are how many events a second are tried, in thousands.
var rates = []int{25, 50, 100, 200, 400, 800, 1600}

// benchEvents finds the highest rate at which every printed event arrives, one second each.
func benchEvents(tools []tool, _ string, _ int) error {
	fmt.Printf("\nprinted events a second without loss (pid, comm and a number each)\n")
	best := make([]float64, len(tools))
	for i, t := range tools {
		for _, rate := range rates {
			sent, lost, err := burst(t, rate)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if lost > 0 {
				fmt.Printf("%-10s %7dk/s: lost %.1f%%\n", t.name, rate, 100*float64(lost)/float64(sent))
				break
			}
			best[i] = float64(sent)
		}
		fmt.Printf("%-10s %9.0f events/s without loss\n", t.name, best[i])
	}
	if len(best) == 2 && best[1] > 0 {
		fmt.Printf("%-10s %.1fx\n", "more by", best[0]/best[1])
	}
	return nil
}

// burst sends events at a rate (thousands a second) for a second, ends the script and counts what it printed.
func burst(t tool, rate int) (sent, lost int, err error) {
	script := fmt.Sprintf(`tracepoint:syscalls:sys_enter_lseek /pid == %d/ { printf("e %%d %%s %%d\n", pid, comm, args->offset); }`, os.Getpid())
	c, err := startCounting(t, script)
	if err != nil {
		return 0, 0, err
	}
	sent = paced(rate)
	// What is still on its way is not lost: give it time to come out before the end.
	for end := time.Now().Add(2 * time.Second); c.seen.Load() < int64(sent) && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return 0, 0, err
	}
	printed := <-c.lines
	if err := c.cmd.Wait(); err != nil {
		return 0, 0, err
	}
	return sent, sent - printed, nil
}

// paced makes rate system calls a millisecond for a second, and returns how many it made. A late
// millisecond is not made up for: what was sent counts.
func paced(rate int) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sent := 0
	start := time.Now()
	for ms := range 1000 {
		for time.Since(start) < time.Duration(ms)*time.Millisecond {
			time.Sleep(50 * time.Microsecond)
		}
		for range rate {
			unix.Syscall(unix.SYS_LSEEK, ^uintptr(0), uintptr(sent), 0)
			sent++
		}
		if time.Since(start) > 2*time.Second {
			break // this machine cannot send so fast
		}
	}
	return sent
}

// counting is a session whose printed events are counted.
type counting struct {
	*session
	seen  atomic.Int64 // lines so far
	lines chan int     // all of them, when the output has ended
}

func startCounting(t tool, script string) (*counting, error) {
	c := &counting{session: &session{cmd: exec.Command(t.path, "-e", script+ready)}, lines: make(chan int, 1)}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	attached := make(chan struct{})
	go func() {
		seen := false
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			switch line := sc.Bytes(); {
			case bytes.HasPrefix(line, []byte("e ")):
				c.seen.Add(1)
			case !seen && string(line) == "ready":
				seen = true
				close(attached)
			}
		}
		if !seen {
			close(attached)
		}
		c.lines <- int(c.seen.Load())
	}()
	<-attached
	return c, nil
}
