// Package vmtest runs programs in a virtual machine on a chosen Linux kernel.
//
// It takes Debian's cloud kernels, builds an initramfs around static binaries, and boots it with QEMU's
// TCG in a few seconds; neither root nor KVM is needed. The guest is alone with its kernel, as root:
// kprobes, fentry, everything is allowed. Command vmrun is the same for hand use:
//
//	go run ./internal/vmtest/cmd/vmrun -kernel 6.12 -- gotrace -e 'kprobe:vfs_read { @[comm] = count(); exit(); }'
package vmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/gotrace/gotrace/internal/vmtest/wire"
)

// File is a file of the guest.
type File struct {
	Name string // absolute path in the guest
	Path string // file of the host to copy, with its permissions, or
	Data []byte // contents
	Perm fs.FileMode
}

// Machine is a virtual machine that runs a list of jobs, then ends.
type Machine struct {
	Kernel *Kernel
	Files  []File
	Jobs   []wire.Job
	// Timeout ends the machine from outside. Zero means ten minutes.
	Timeout time.Duration
	// Output gets the output of the jobs as it comes. It is called from one goroutine.
	Output func(wire.Event)
	// Append is added to the kernel's command line.
	Append string
	// CPUs and MemoryMB are the machine's size, 2 and 2048 if zero.
	CPUs, MemoryMB int
}

// Result is how a machine ended.
type Result struct {
	Exits   []int  // exit code of each job, -1 for one that did not end
	Console string // what the kernel said
}

// Run boots the machine, runs the jobs one after the other and waits for the end. An error means
// that the machine itself did not work; it holds the end of the console log.
func (m *Machine) Run(ctx context.Context) (*Result, error) {
	emulator, err := findQEMU()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vmtest-")
	if err != nil {
		return nil, fmt.Errorf("starting a machine: %w", err)
	}
	defer os.RemoveAll(dir)
	initrd := filepath.Join(dir, "initrd")
	if err := m.writeInitrd(dir, initrd); err != nil {
		return nil, fmt.Errorf("building the initramfs: %w", err)
	}
	timeout := m.Timeout
	if timeout == 0 {
		timeout = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return m.boot(ctx, emulator, dir, initrd)
}

// boot runs QEMU and reads the guest's events.
func (m *Machine) boot(ctx context.Context, emulator, dir, initrd string) (*Result, error) {
	sock := filepath.Join(dir, "events")
	l, err := net.Listen("unix", sock)
	if err != nil {
		return nil, fmt.Errorf("listening for the guest: %w", err)
	}
	defer l.Close()
	var console bytes.Buffer
	cmd := exec.CommandContext(ctx, emulator, m.qemuArgs(sock, initrd)...)
	cmd.Stdout, cmd.Stderr = &console, &console
	// The machine ends with this process, however that ends. The kernel ties it to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting QEMU: %w", err)
	}
	res := &Result{Exits: make([]int, len(m.Jobs))}
	for i := range res.Exits {
		res.Exits[i] = -1
	}
	events := make(chan error, 1)
	go func() { events <- m.readEvents(l, res) }()
	runErr := cmd.Wait()
	l.Close() // ends the accept of a QEMU that never connected
	eventErr := <-events
	res.Console = console.String()
	return res, m.verdict(ctx, res, runErr, eventErr)
}

// verdict says what went wrong with a machine, nil if all jobs ended.
func (m *Machine) verdict(ctx context.Context, res *Result, runErr, eventErr error) error {
	var err error
	switch {
	case res.ended():
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = errors.New("machine ran out of time")
	case runErr != nil:
		err = fmt.Errorf("running QEMU: %w", runErr)
	case eventErr != nil:
		err = eventErr
	default:
		err = errors.New("machine ended before its jobs")
	}
	return fmt.Errorf("linux %s: %w; end of the console:\n%s", m.Kernel.Release, err, tail(res.Console, 4000))
}

func (r *Result) ended() bool {
	for _, code := range r.Exits {
		if code < 0 {
			return false
		}
	}
	return true
}

// tail is the last n bytes of s.
func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// qemuArgs is QEMU's command line. The kernel's console is the serial line, which is our output;
// the events have a port of their own, so that nothing the kernel says gets between them.
func (m *Machine) qemuArgs(sock, initrd string) []string {
	cpus, mem := m.CPUs, m.MemoryMB
	if cpus == 0 {
		cpus = 2
	}
	if mem == 0 {
		mem = 2048
	}
	// One host thread runs all CPUs in turn: with a thread each, QEMU 7.2 lets both spin for ever on an instruction
	// that the kernel patches under them (static keys of tracepoints, kprobes). QEMU 7.2 is the first to emulate AVX, which Go
	// uses wherever it is; a unit test without any concurrency has failed once in a guest that had it.
	//
	// Mitigations cost much under emulation and change nothing for a privileged tracer.
	args := "console=ttyS0 panic=-1 loglevel=4 mitigations=off tsc=reliable rdinit=/init " + m.Append
	return []string{
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-monitor", "none",
		"-accel", "tcg,thread=single", "-cpu", "max,-avx,-avx2,-f16c,-fma", "-smp", strconv.Itoa(cpus), "-m", strconv.Itoa(mem),
		"-kernel", m.Kernel.Image, "-initrd", initrd, "-append", args,
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=events,path=" + sock,
		"-device", "virtserialport,chardev=events,name=" + wire.Port,
	}
}

// readEvents reads what the guest says until QEMU closes the connection.
func (m *Machine) readEvents(l net.Listener, res *Result) error {
	conn, err := l.Accept()
	if err != nil {
		return fmt.Errorf("waiting for the guest: %w", err)
	}
	defer conn.Close()
	dec := json.NewDecoder(conn)
	for {
		var ev wire.Event
		if err := dec.Decode(&ev); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading from the guest: %w", err)
		}
		if ev.Job < 0 || ev.Job >= len(res.Exits) {
			return fmt.Errorf("guest: %s", ev.Error)
		}
		if ev.Done {
			res.Exits[ev.Job] = ev.Exit
		}
		if m.Output != nil {
			m.Output(ev)
		}
	}
}
