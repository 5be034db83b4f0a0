//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"github.com/cilium/ebpf"
)

// session is a script that runs, all its probes attached.
type session struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	done chan struct{} // closed when there is no more output
	keys int64         // elements of a map @ that were printed; complete when done is closed
}

// ready is added to scripts: its probe is the last to be attached, so its first line says that all are.
const ready = "\ninterval:ms:20 { printf(\"ready\\n\"); }\n"

// startSession runs a script until everything is attached. What it prints later is dropped.
func startSession(t tool, script string) (*session, error) {
	s := &session{cmd: exec.Command(t.path, "-e", script+ready), done: make(chan struct{})}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.cmd.Wait()
			return nil, fmt.Errorf("script ended early: %w", err)
		}
		if line == "ready\n" {
			break
		}
	}
	go s.readRest() // ends with the process
	return s, nil
}

// readRest drops what is printed, and counts keys.
func (s *session) readRest() {
	defer close(s.done)
	for {
		line, err := s.out.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("@[")) {
			s.keys++
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// close ends the script.
func (s *session) close() error {
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	s.cmd.Wait() // it was killed: the exit code says no more
	return nil
}

// progStat is what the kernel counts of a program.
type progStat struct {
	insns int    // instructions after the verifier's rewriting
	ns    uint64 // with kernel.bpf_stats_enabled
	runs  uint64
}

var fdinfoID = regexp.MustCompile(`(?m)^prog_id:\s+(\d+)$`)

// stats returns the counters of the programs that the process holds, by their id.
func (s *session) stats() (map[int]progStat, error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", s.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	stats := map[int]progStat{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // closed in between
		}
		m := fdinfoID.FindSubmatch(data)
		if m == nil {
			continue
		}
		id, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return nil, err
		}
		if stats[id], err = statOf(ebpf.ProgramID(id)); err != nil {
			return nil, err
		}
	}
	return stats, nil
}

func statOf(id ebpf.ProgramID) (progStat, error) {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return progStat{}, fmt.Errorf("program %d: %w", id, err)
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return progStat{}, fmt.Errorf("program %d: %w", id, err)
	}
	size, err := info.TranslatedSize()
	if err != nil {
		return progStat{}, fmt.Errorf("program %d: %w", id, err)
	}
	stats, err := p.Stats()
	if err != nil {
		return progStat{}, fmt.Errorf("program %d: %w", id, err)
	}
	return progStat{insns: size / 8, ns: uint64(stats.Runtime.Nanoseconds()), runs: stats.RunCount}, nil
}
