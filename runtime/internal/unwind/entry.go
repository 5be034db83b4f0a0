package unwind

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
)

// entryStop stops a process where its program begins: the linker has mapped all libraries then, and no function of the program has run.
type entryStop struct {
	prog *ebpf.Program
	link link.Link
}

// Start has release start the program of a process, and makes the tables of the process when the program is to begin: so that they are
// complete before its first function runs. A process that cannot be stopped there, such as a script, is known a little later.
func (t *Tables) Start(pid int, path string, release func() error) error {
	if t == nil {
		return release()
	}
	stop, err := stopAtEntry(pid, path)
	if err != nil {
		return release()
	}
	if err := release(); err != nil {
		stop.close()
		return err
	}
	go func() {
		defer stop.close()
		if !stopped(pid) {
			return
		}
		t.Look(uint32(pid))
		_ = unix.Kill(pid, unix.SIGCONT) // it may have been killed meanwhile
	}()
	return nil
}

func stopAtEntry(pid int, path string) (*entryStop, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entry, err := symbols.EntryOffset(f)
	if err != nil {
		return nil, err
	}
	s := &entryStop{}
	s.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "stop_at_entry", Type: ebpf.Kprobe, License: "GPL",
		Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R1, int32(unix.SIGSTOP)),
			asm.FnSendSignal.Call(),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	})
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, errors.Join(err, s.prog.Close())
	}
	ex, err := link.OpenExecutable(real)
	if err == nil {
		s.link, err = ex.Uprobe("entry", s.prog, &link.UprobeOptions{Address: entry, PID: pid})
	}
	if err != nil {
		return nil, errors.Join(err, s.prog.Close())
	}
	return s, nil
}

func (s *entryStop) close() {
	s.link.Close()
	s.prog.Close()
}

// stopped waits until a child stops; it is false if the child ended before.
func stopped(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}
