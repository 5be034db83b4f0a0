package runtime

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang/source"
)

// logLine finds the number of the instruction that a line of the verifier's log is about.
var logLine = regexp.MustCompile(`^(\d+): \(`)

// verifierError says at which line of the script the verifier refused a program. That is a mistake of
// gotrace's, not of the script's, and the message says so.
func verifierError(p *codegen.Program, refused *ebpf.VerifierError) error {
	pos := p.Prog.Probe.Range().Pos
	if i, ok := lastInstruction(refused.Log); ok {
		if at, ok := positionOf(p, i); ok {
			pos = at
		}
	}
	d := source.Diagnostic{
		Span:    source.Span{Pos: pos, EndPos: pos},
		Code:    "verifier",
		Message: "the kernel refused the program made from this: " + reason(refused),
		Hint:    "this is a bug in gotrace: please report it with the output of -v",
	}
	return &ScriptError{Diagnostic: d, Err: refused}
}

// outOfResources says whether a load failed for want of memory or descriptors, which is not the verifier's verdict.
func outOfResources(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// showLog prints the whole log of a program that the verifier refused, for -v.
func (s *Session) showLog(p *codegen.Program, err error) {
	var refused *ebpf.VerifierError
	if s.opts.Verbose && errors.As(err, &refused) {
		s.note("verifier log of %s:\n%+v", p.Name, refused)
	}
}

// lastInstruction is the number, in eight-byte units, of the last instruction in a log: the one that was refused.
func lastInstruction(log []string) (int, bool) {
	for i := len(log) - 1; i >= 0; i-- {
		if m := logLine.FindStringSubmatch(log[i]); m != nil {
			n, err := strconv.Atoi(m[1])
			return n, err == nil
		}
	}
	return 0, false
}

// positionOf is the place in the script of the instruction at an offset, in eight-byte units: wide
// loads take two.
func positionOf(p *codegen.Program, offset int) (source.Pos, bool) {
	at := 0
	for i, ins := range p.Insns {
		if at >= offset && i < len(p.Positions) {
			return p.Positions[i], p.Positions[i].Line > 0
		}
		at += int(ins.Width())
	}
	return source.Pos{}, false
}

// reason is the last line of the log that says something about the program.
func reason(refused *ebpf.VerifierError) string {
	for i := len(refused.Log) - 1; i >= 0; i-- {
		line := strings.TrimSpace(refused.Log[i])
		if line == "" || strings.HasPrefix(line, "processed ") || logLine.MatchString(line) {
			continue
		}
		return line
	}
	return refused.Cause.Error()
}
