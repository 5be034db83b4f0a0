package runtime

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
)

// logLine finds the number of the instruction that a line of the verifier's log is about.
var logLine = regexp.MustCompile(`^(\d+): \(`)

// verifierLimits are what the verifier says where it is not a program that is wrong, but that is too large for it: the words, or
// where it gives none the error number. The first that fits counts. The hints say what to do to the script.
var verifierLimits = []struct {
	words, message, hint string
	errno                unix.Errno
	silent               bool // only if the log has no words
}{
	// BPF_COMPLEXITY_LIMIT_INSNS, include/linux/bpf.h
	{words: "BPF program is too large. Processed", message: "the kernel's verifier looks at a million instructions at most, and this has more paths",
		hint: "use fewer conditions behind each other, or several probes"},
	// BPF_COMPLEXITY_LIMIT_JMP_SEQ, kernel/bpf/verifier.c: E2BIG from Linux 6.18 on, EFAULT before
	{words: "jumps is too complex", message: tooManyBranchesMessage, hint: tooManyBranchesHint},
	{errno: unix.EFAULT, silent: true, message: tooManyBranchesMessage, hint: tooManyBranchesHint},
	// check_max_stack_depth, kernel/bpf/verifier.c
	{words: "combined stack size of", message: "this probe and its loops need more stack together than the kernel gives (512 bytes)",
		hint: "keep fewer variables, tuples and strings at a time, or nest fewer loops"},
	{words: "too many subprograms", message: "this probe has more loops than the kernel takes functions (256)", hint: "use several probes"},
	// MAX_USED_MAPS, include/linux/bpf_verifier.h
	{words: "maps per program has been reached", message: "this probe uses more maps than the kernel takes (64)", hint: "split the probe: several with the same attach point run in order"},
	{errno: unix.E2BIG, silent: true, message: "the kernel takes no program of so many instructions or maps", hint: "use several probes"},
	// the log's buffer, which the kernel fills with the end of the log at last
	{errno: unix.ENOSPC, silent: true, message: "the kernel's verifier refused the program, and said more than it has room for", hint: "use several probes"},
}

// The message where the verifier has too many paths to follow; see codegen.Program.TooManyBranches.
const (
	tooManyBranchesMessage = "the program of this probe has more branches in a row than the kernel's verifier follows (8192)"
	tooManyBranchesHint    = "unroll less, or use several probes: most statements that use a map or print are a branch"
)

// tooManyBranches is the error of a program that has more branches in a row than the verifier follows, from pos on.
func tooManyBranches(pos source.Pos) error {
	return errorAt(source.Diagnostic{
		Span: source.Span{Pos: pos, EndPos: pos}, Code: "limit", Message: tooManyBranchesMessage, Hint: tooManyBranchesHint,
	}, errTooManyBranches)
}

var errTooManyBranches = errors.New("too many branches in a row")

// loadError says at which line of the script, and why, a program could not be loaded.
func loadError(p *codegen.Program, err error) error {
	var target *probes.TargetError
	if errors.As(err, &target) {
		return errorAt(source.Diagnostic{Span: attachSpan(p), Code: "attach", Message: target.Error()}, err)
	}
	var refused *ebpf.VerifierError
	if !errors.As(err, &refused) || outOfResources(refused.Cause) {
		refused = &ebpf.VerifierError{Cause: err}
	}
	for _, l := range verifierLimits {
		if l.words != "" && slices.ContainsFunc(refused.Log, func(s string) bool { return strings.Contains(s, l.words) }) ||
			l.errno != 0 && errors.Is(refused.Cause, l.errno) && !(l.silent && says(refused) != "") {
			return errorAt(source.Diagnostic{Span: attachSpan(p), Code: "limit", Message: l.message, Hint: l.hint}, err)
		}
	}
	if d, ok := missingHelper(p, refused); ok {
		return errorAt(d, refused)
	}
	if says(refused) != "" {
		return errorAt(refusal(p, refused), refused)
	}
	return errorAt(source.Diagnostic{
		Span: attachSpan(p), Code: "load", Message: fmt.Sprintf("loading the program: %v%s", err, probes.WhyDenied(err)),
	}, err)
}

// refusal says at which line of the script the verifier refused a program. That is a mistake of
// gotrace's, not of the script's, and the message says so.
func refusal(p *codegen.Program, refused *ebpf.VerifierError) source.Diagnostic {
	d := source.Diagnostic{
		Span:    refusedAt(p, refused),
		Code:    "verifier",
		Message: "the kernel refused the program made from this: " + says(refused),
		Hint:    "this is a bug in gotrace: please report it with the output of -v",
	}
	if strings.Contains(d.Message, notHere) {
		d.Hint = "the kernel allows what this needs only in some functions: path(), for one, in security_file_open, filp_close, vfs_truncate and a few others"
	}
	return d
}

// notHere is what the verifier says of a helper that the kernel allows in some programs of a type only (check_helper_call, kernel/bpf/verifier.c).
const notHere = "helper call is not allowed in probe"

// refusedAt is the place in the script of the instruction that was refused.
func refusedAt(p *codegen.Program, refused *ebpf.VerifierError) source.Span {
	pos := p.Prog.Probe.Range().Pos
	if i, ok := lastInstruction(refused.Log); ok {
		if at, ok := positionOf(p, i); ok {
			pos = at
		}
	}
	return source.Span{Pos: pos, EndPos: pos}
}

// noHelper finds a helper that programs of a type cannot call on this kernel, and noKfunc a kernel function (check_helper_call and
// check_kfunc_call, kernel/bpf/verifier.c).
var (
	noHelper = regexp.MustCompile(`^(?:unknown func|program of this type cannot use helper) (bpf_\w+)#\d+`)
	noKfunc  = regexp.MustCompile(`^calling kernel function (\w+) is not allowed`)
)

// helperHints say why a kernel that has a helper may not let programs call it.
var helperHints = map[string]string{
	"bpf_probe_write_user": "the kernel is locked down (kernel_lockdown(7)), or gotrace lacks the capability CAP_SYS_ADMIN",
	"bpf_override_return":  "the kernel is built without CONFIG_BPF_KPROBE_OVERRIDE",
}

// missingHelper says of a program that calls what this kernel does not let it call, that this is the reason.
func missingHelper(p *codegen.Program, refused *ebpf.VerifierError) (source.Diagnostic, bool) {
	line := says(refused)
	name := ""
	for _, pattern := range []*regexp.Regexp{noHelper, noKfunc} {
		if m := pattern.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
	}
	hint, known := helperHints[name]
	if !known {
		hint = "a newer kernel may"
	}
	return source.Diagnostic{
		Span: refusedAt(p, refused), Code: "kernel", Hint: hint,
		Message: fmt.Sprintf("this kernel does not let %s probes call %s", p.Prog.Kind.Name, name),
	}, name != ""
}

// outOfResources says whether a load failed for want of memory or descriptors, which is not the verifier's verdict.
func outOfResources(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// explained adds to an error what can be done about it, where that is known and not said yet.
func explained(err error) error {
	if why := probes.WhyDenied(err); why != "" && !strings.Contains(err.Error(), why) {
		return fmt.Errorf("%w%s", err, why)
	}
	return err
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
		if at >= offset {
			pos := p.Position(i)
			return pos, pos.Line > 0
		}
		at += int(ins.Width())
	}
	return source.Pos{}, false
}

// says is the last line of the log that says something about the program, "" if there is none.
func says(refused *ebpf.VerifierError) string {
	for i := len(refused.Log) - 1; i >= 0; i-- {
		line := strings.TrimSpace(refused.Log[i])
		if line == "" || logLine.MatchString(line) || slices.ContainsFunc(statistics, func(s string) bool { return strings.HasPrefix(line, s) }) {
			continue
		}
		return line
	}
	return ""
}

// statistics are how lines of the log begin that the verifier ends it with (print_verification_stats).
var statistics = []string{"processed ", "verification time ", "stack depth "}
