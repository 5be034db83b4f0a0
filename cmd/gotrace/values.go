package main

import (
	"errors"
	"io"
	"strconv"

	"github.com/gotrace/gotrace/lang/source"
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

// allWarnings is the value of --no-warnings without codes.
const allWarnings = "all"

// warningsValue is the flag --no-warnings: all of them, or those of some codes.
type warningsValue struct {
	all   bool
	codes []string
}

func (*warningsValue) Type() string   { return "codes" }
func (*warningsValue) String() string { return "" }

func (w *warningsValue) Set(s string) error {
	switch s {
	case allWarnings, "true":
		w.all = true
		return nil
	case "false":
		*w = warningsValue{}
		return nil
	}
	codes, err := source.ParseWarningCodes(s)
	w.codes = append(w.codes, codes...)
	return err
}

// sticky keeps the first error of a writer, so that what prints need not look at each write.
type sticky struct {
	w    io.Writer
	used bool // something was written
	err  error
}

func (s *sticky) Write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(b)
	s.used, s.err = true, err
	return n, err
}
