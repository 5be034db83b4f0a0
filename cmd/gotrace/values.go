package main

import (
	"errors"
	"io"
	"strconv"
)

// programValue is the flag -e. Of several the last one counts, as with bpftrace.
type programValue struct {
	text  string
	given int
}

func (*programValue) Type() string   { return "program" }
func (*programValue) String() string { return "" }

func (p *programValue) Set(s string) error {
	p.text = s
	p.given++
	return nil
}

// pidValue is the flag -p.
type pidValue int

// maxPID is the largest process id the kernel gives (PID_MAX_LIMIT).
const maxPID = 4 << 20

func (p *pidValue) Type() string   { return "pid" }
func (p *pidValue) String() string { return "" }

func (p *pidValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxPID {
		return errors.New("a process id is a number from 1 to " + strconv.Itoa(maxPID))
	}
	*p = pidValue(n)
	return nil
}

// sticky keeps the first error of a writer, so that what prints need not look at each write.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) Write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(b)
	s.err = err
	return n, err
}
