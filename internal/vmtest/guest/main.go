//go:build linux

// Guest is the first process of a test machine: it sets the system up, runs the jobs
// and reports their output and exit codes to the host. Package vmtest builds it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/vmtest/wire"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is the first process of a test machine")
		os.Exit(2)
	}
	if err := serve(); err != nil {
		// There is no port to say it on: the console is the machine's log.
		fmt.Println("guest:", err)
	}
	unix.Sync()
	// The machine runs with -no-reboot: a restart ends it, and needs no power management.
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

// serve sets up the machine and runs all jobs.
func serve() error {
	if err := setUp(); err != nil {
		return err
	}
	port, err := openPort()
	if err != nil {
		return err
	}
	defer port.Close()
	r := &reporter{enc: json.NewEncoder(port)}
	data, err := os.ReadFile(wire.JobFile)
	if err != nil {
		return fmt.Errorf("reading jobs: %w", err)
	}
	var jobs []wire.Job
	if err := json.Unmarshal(data, &jobs); err != nil {
		return fmt.Errorf("reading jobs: %w", err)
	}
	for i, job := range jobs {
		ev := wire.Event{Job: i, Done: true}
		if ev.Exit, err = runJob(r, i, job); err != nil {
			ev.Error = err.Error()
		}
		r.send(ev)
	}
	return r.err
}

// mounts is what a Linux system has mounted. Debian's kernels have all of them built in.
var mounts = []struct{ kind, dir string }{
	{"proc", "/proc"},
	{"sysfs", "/sys"},
	{"devtmpfs", "/dev"},
	{"devpts", "/dev/pts"},
	{"tmpfs", "/tmp"},
	{"tmpfs", "/run"},
	{"cgroup2", "/sys/fs/cgroup"},
	{"tracefs", "/sys/kernel/tracing"},
	{"debugfs", "/sys/kernel/debug"},
	{"bpf", "/sys/fs/bpf"},
}

// setUp mounts the file systems, loads the modules and brings up the loopback interface.
func setUp() error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m.dir, err)
		}
	}
	if err := os.Chmod("/tmp", 0o1777); err != nil {
		return err
	}
	os.Symlink("/proc/self/fd", "/dev/fd") // what a distribution's early boot does; nobody here depends on it
	modules, err := filepath.Glob(wire.ModuleDir + "/*")
	if err != nil {
		return err
	}
	for _, path := range modules {
		if err := loadModule(path); err != nil {
			return fmt.Errorf("loading %s: %w", filepath.Base(path), err)
		}
	}
	return loopbackUp()
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(path, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}

// loopbackUp sets IFF_UP on lo; the kernel gives it its addresses.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bringing up lo: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("bringing up lo: %w", err)
	}
	return nil
}

// openPort waits for the virtio port, which appears some milliseconds after its driver is loaded.
func openPort() (*os.File, error) {
	for range 1000 {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name") // the pattern is a constant
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err == nil && strings.TrimSpace(string(data)) == wire.Port {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(name)), os.O_RDWR, 0)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("no virtio port %s", wire.Port)
}

// reporter sends events; the output streams of a job share it.
type reporter struct {
	mu  sync.Mutex
	enc *json.Encoder
	err error
}

func (r *reporter) send(ev wire.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.enc.Encode(ev); err != nil && r.err == nil {
		r.err = fmt.Errorf("reporting: %w", err)
	}
}

// copyOut reports everything that comes out of a stream.
func (r *reporter) copyOut(job int, stderr bool, src io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			r.send(wire.Event{Job: job, Stderr: stderr, Data: bytes.Clone(buf[:n])})
		}
		if err != nil {
			return
		}
	}
}

// runJob runs a command to its end and returns its exit code.
func runJob(r *reporter, i int, job wire.Job) (int, error) {
	cmd := exec.Command(job.Argv[0], job.Argv[1:]...)
	cmd.Dir = job.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/root"
	}
	cmd.Env = append([]string{"PATH=/bin:/root", "HOME=/root", "USER=root", "TMPDIR=/tmp", "LANG=C.UTF-8"}, job.Env...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 127, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return 127, err
	}
	if err := os.Setenv("PATH", "/bin:/root"); err != nil {
		return 127, err
	}
	if cmd.Err != nil { // the look-up ran with the kernel's PATH
		path, err := exec.LookPath(job.Argv[0])
		if err != nil {
			return 127, err
		}
		cmd.Path, cmd.Err = path, nil
	}
	if err := cmd.Start(); err != nil {
		return 127, fmt.Errorf("starting %s: %w", job.Argv[0], err)
	}
	if job.Timeout > 0 {
		timer := time.AfterFunc(job.Timeout, func() { cmd.Process.Signal(syscall.SIGQUIT) })
		defer timer.Stop()
	}
	var wg sync.WaitGroup
	wg.Go(func() { r.copyOut(i, false, stdout) })
	wg.Go(func() { r.copyOut(i, true, stderr) })
	wg.Wait()
	return exitCode(cmd.Wait())
}

// exitCode is a shell's view of how a command ended.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if err == nil {
		return 0, nil
	}
	if !errors.As(err, &exit) {
		return 127, err
	}
	ws := exit.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}
