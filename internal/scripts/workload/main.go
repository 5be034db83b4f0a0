//go:build linux

// Workload does small, countable things for the tests of scripts: it makes system calls with telling
// arguments and calls functions with the C calling convention that uprobes can look at.
//
//	workload STEP ARGS... [, STEP ARGS...]...
//
//	openat PATH N       open a file (which need not exist) N times
//	lseek FD OFFSET N   seek N times; a bad FD fails with EBADF
//	write BYTES N       write to /dev/null
//	read BYTES N        read from /dev/zero
//	fork N CODE         start N children that exit with CODE, one after the other
//	nap MS N            sleep
//	spin MS             burn CPU time
//	comm NAME           rename the thread
//	chdir PATH          change the working directory
//	add A B N           call wl_add(A, B) N times
//	threads N STEP ARGS do a step on N threads at once
//	six                 call wl_six(1, 2, 3, 4, 5, 6), which returns 21
//	neg                 call wl_neg(), which returns -100 as a 32-bit number
//	say TEXT            call wl_say(TEXT), which returns TEXT
//	exec STEP ARGS...   become a workload that does the rest
//	sendmsg A B         send a message of the two words A and B, in a piece of memory each
//	udp N                   send N empty datagrams to itself, by one socket
//	point X Y           call wl_point(&{int32 X, Y; int64 X*Y; char name[8] "pt"})
//	poke ADDR N         write N 8-byte words to an address of its own, where it maps memory
//	golang              call functions of Go with arguments of all kinds
//	gogrow N D TIMES    N goroutines at once call a function of Go that calls itself D times and needs a larger stack for each, TIMES
//	wait                read standard input to its end
//	usr1                send SIGUSR1 to the process that started it
//	exit CODE           end
//
// All other steps run on one thread, the process's first.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	// The main thread is the one whose tid is the pid.
	runtime.LockOSThread()
}

func main() {
	args := strings.Join(os.Args[1:], " ")
	for _, text := range strings.Split(args, ",") {
		step := strings.Fields(text)
		if len(step) == 0 {
			continue
		}
		run := steps[step[0]]
		if run == nil {
			fmt.Fprintf(os.Stderr, "workload: no step %q\n", step[0])
			os.Exit(2)
		}
		run(step[1:])
	}
}

// steps is filled in init, because fork's step starts main again.
var steps map[string]func(args []string)

func init() {
	steps = map[string]func([]string){
		"openat": openat, "lseek": lseek, "write": write, "read": read, "fork": fork, "nap": nap, "spin": spin,
		"comm": comm, "threads": threads, "chdir": chdir, "add": add, "six": six, "neg": neg, "say": say, "point": point,
		"golang": golang, "gogrow": gogrow,
		"exec": execve, "sendmsg": sendmsg, "udp": udp, "wait": wait, "poke": poke, "usr1": usr1, "exit": exit,
	}
}

// num returns argument i as a number, def if there is none.
func num(args []string, i, def int) int {
	if i >= len(args) {
		return def
	}
	n, err := strconv.ParseInt(args[i], 0, 64)
	check(err)
	return int(n)
}

// check ends the program on an error, loudly.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(2)
	}
}

func openat(args []string) {
	for range num(args, 1, 1) {
		if fd, err := unix.Openat(unix.AT_FDCWD, args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			unix.Close(fd)
		}
	}
}

func usr1([]string) { check(unix.Kill(unix.Getppid(), unix.SIGUSR1)) }

func lseek(args []string) {
	for range num(args, 2, 1) {
		unix.Seek(num(args, 0, 0), int64(num(args, 1, 0)), 0) // failing is part of what tests look at
	}
}

func write(args []string) {
	fd, err := unix.Open("/dev/null", unix.O_WRONLY, 0)
	check(err)
	buf := make([]byte, num(args, 0, 1))
	for range num(args, 1, 1) {
		_, err := unix.Write(fd, buf)
		check(err)
	}
	check(unix.Close(fd))
}

func read(args []string) {
	fd, err := unix.Open("/dev/zero", unix.O_RDONLY, 0)
	check(err)
	buf := make([]byte, num(args, 0, 1))
	for range num(args, 1, 1) {
		_, err := unix.Read(fd, buf)
		check(err)
	}
	check(unix.Close(fd))
}

func fork(args []string) {
	for range num(args, 0, 1) {
		code := num(args, 1, 0)
		cmd := exec.Command("/proc/self/exe", "exit", strconv.Itoa(code))
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			check(fmt.Errorf("child: %w", err))
		}
	}
}

func nap(args []string) {
	for range num(args, 1, 1) {
		ts := unix.NsecToTimespec(int64(num(args, 0, 1)) * int64(time.Millisecond))
		unix.Nanosleep(&ts, nil) // an interrupted sleep is a sleep too
	}
}

func spin(args []string) {
	limit := time.Duration(num(args, 0, 1)) * time.Millisecond
	for {
		var ts unix.Timespec
		check(unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts))
		if time.Duration(ts.Nano()) >= limit {
			return
		}
	}
}

func comm(args []string) {
	name, err := unix.BytePtrFromString(args[0])
	check(err)
	check(unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0))
}

func chdir(args []string) { check(os.Chdir(args[0])) }

func add(args []string) {
	for range num(args, 2, 1) {
		callAdd(uint64(num(args, 0, 0)), uint64(num(args, 1, 0)))
	}
}

func threads(args []string) {
	var wg sync.WaitGroup
	for range num(args, 0, 1) {
		wg.Go(func() {
			runtime.LockOSThread()
			steps[args[1]](args[2:])
		})
	}
	wg.Wait()
}

func six([]string) { callSix() }
func neg([]string) { callNeg() }

func say(args []string) {
	text, err := syscall.BytePtrFromString(strings.Join(args, " "))
	check(err)
	callSay(text)
}

// pt is what wl_point's argument points to; scripts have the same struct.
type pt struct {
	x, y int32
	area int64
	name [8]byte
}

func point(args []string) {
	p := &pt{x: int32(num(args, 0, 0)), y: int32(num(args, 1, 0)), name: [8]byte{'p', 't'}}
	p.area = int64(p.x) * int64(p.y)
	callPoint(p)
}

func execve(args []string) {
	check(syscall.Exec("/proc/self/exe", append([]string{"workload"}, args...), []string{"WORKLOAD=1"}))
}

func sendmsg(args []string) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(err)
	var iov [2]unix.Iovec
	for i := range iov {
		text, err := unix.ByteSliceFromString(args[i]) // with its NUL
		check(err)
		iov[i].Base = &text[0]
		iov[i].SetLen(len(text))
	}
	msg := &unix.Msghdr{Iov: &iov[0], Iovlen: uint64(len(iov))}
	_, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fds[0]), uintptr(unsafe.Pointer(msg)), 0)
	if errno != 0 {
		check(errno)
	}
	check(unix.Close(fds[0]))
	check(unix.Close(fds[1]))
}

func poke(args []string) {
	addr, err := strconv.ParseUint(args[0], 0, 64)
	check(err)
	at, _, errno := unix.Syscall6(unix.SYS_MMAP, uintptr(addr), 4096, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE|unix.MAP_FIXED_NOREPLACE, ^uintptr(0), 0)
	if errno != 0 {
		check(errno)
	}
	word := *(**uint64)(unsafe.Pointer(&at))
	for i := range num(args, 1, 1) {
		atomic.StoreUint64(word, uint64(i))
	}
}

func udp(args []string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(err)
	for range num(args, 0, 1) {
		_ = unix.Sendto(fd, nil, 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}) // that nobody listens does not matter
	}
	check(unix.Close(fd))
}

func wait([]string) {
	_, err := io.Copy(io.Discard, os.Stdin)
	check(err)
}

func exit(args []string) { os.Exit(num(args, 0, 0)) }
