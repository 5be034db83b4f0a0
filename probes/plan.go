package probes

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

type closer = io.Closer

// Plan is how one program is attached to its targets.
type Plan struct {
	attachType ebpf.AttachType                                // that the program must be loaded with; AttachNone: nothing special
	load       func(*ebpf.ProgramSpec) (*ebpf.Program, error) // nil: as any program
	attach     func(*ebpf.Program, Step) (Links, error)
	notes      []Note
	pinned     string // the file that keeps the program, "" for none
	tell       string // what -v says of the way of attaching, "" for nothing
}

// Plan decides how a program is attached to targets, all of one kind.
func (e *Env) Plan(targets []lang.Target) (*Plan, error) {
	if len(targets) == 0 {
		return nil, errors.New("nothing to attach to")
	}
	p := providers[targets[0].Kind.Name]
	if p == nil || p.plan == nil {
		return nil, fmt.Errorf("%s probes cannot be attached", targets[0].Kind.Name)
	}
	return p.plan(e, targets)
}

// PlanSession decides how one program is attached to the entries of functions and to their returns, where that is possible: else the plan is nil.
// isReturn is the number of the kernel's function that tells the program where it is.
func (e *Env) PlanSession(entry, ret []lang.Target) (p *Plan, isReturn uint32, err error) {
	return e.planSession(entry, ret)
}

// Pinned is the file that keeps the program when the session has ended, "" if there is none.
func (p *Plan) Pinned() string { return p.pinned }

// Load loads a program with what the kernel must know of the way of attaching. It may be called from any goroutine. The error is a
// *TargetError where the kernel refuses the target, whatever the program.
func (p *Plan) Load(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	if p.attachType != ebpf.AttachNone {
		spec.AttachType = p.attachType
	}
	if p.load != nil {
		return p.load(spec)
	}
	return ebpf.NewProgram(spec)
}

// Attach attaches the program to all targets. If one fails, none stays attached; but those that a wildcard matched are only
// left out, as long as there are others: then there are links and a *SkippedError. step does the steps, nil: nobody follows them.
func (p *Plan) Attach(prog *ebpf.Program, step Step) (Links, error) {
	if step == nil {
		step = unfollowed
	}
	return p.attach(prog, step)
}

// Step does one step of attaching: a program to n targets by one call of the kernel, which nothing interrupts. It gives do's error, or
// ErrStopped and does nothing: then Attach gives what it has attached until then, with ErrStopped.
type Step func(n int, do func() error) error

// unfollowed is the step of an attaching that nobody follows.
func unfollowed(_ int, do func() error) error { return do() }

// ErrStopped is what a Step gives that ends the attaching.
var ErrStopped = errors.New("stopped before all was attached")

// Links are attachments that are closed together.
type Links []io.Closer

// closers is how many attachments are closed at a time: for each, the kernel waits until no program of it
// runs any more, and it can wait for several at once.
const closers = 16

// Close detaches all, the last first, several at a time.
func (l Links) Close() error { return l.CloseEach(func() {}) }

// CloseEach does the same and calls done, from any goroutine, for each that is detached.
func (l Links) CloseEach(done func()) error {
	errs := make([]error, len(l))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(closers, len(l)) {
		wg.Go(func() {
			for i := range next {
				errs[i] = l[i].Close()
				done()
			}
		})
	}
	for i := len(l) - 1; i >= 0; i-- {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// AttachError says to which target a program could not be attached, and why.
type AttachError struct {
	Target lang.Target
	Err    error
}

func (e *AttachError) Error() string { return fmt.Sprintf("attaching %s: %v", e.Target.Name, e.Err) }

// Unwrap gives the reason.
func (e *AttachError) Unwrap() error { return e.Err }

// Note is what the user should know of a target that a program was attached to.
type Note struct {
	Target *lang.Target
	Text   string
}

// each attaches to one target after the other.
func each(targets []lang.Target, attach func(*lang.Target, *ebpf.Program) (closer, error)) func(*ebpf.Program, Step) (Links, error) {
	return func(prog *ebpf.Program, step Step) (Links, error) {
		var all Links
		skipped := &SkippedError{}
		for i := range targets {
			t := &targets[i]
			var l closer
			err := step(1, func() (err error) {
				l, err = attach(t, prog)
				return err
			})
			switch {
			case errors.Is(err, ErrStopped):
				return all, err
			case err == nil:
				if several, ok := l.(Links); ok {
					all = append(all, several...)
				} else {
					all = append(all, l)
				}
			case t.Wildcard && refused(err):
				skipped.add(t, err)
			default:
				return nil, errors.Join(&AttachError{*t, err}, all.Close())
			}
		}
		return skipped.result(all)
	}
}

// SkippedError says which targets of a wildcard could not be attached. The others are.
type SkippedError struct{ Skipped []Skipped }

// Skipped is a target that could not be attached, and why.
type Skipped struct {
	Target lang.Target
	Err    error
}

func (e *SkippedError) Error() string {
	first := e.Skipped[0]
	text := fmt.Sprintf("could not attach %s: %v", first.Target.Name, first.Err)
	if n := len(e.Skipped) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

func (e *SkippedError) add(t *lang.Target, err error) {
	e.Skipped = append(e.Skipped, Skipped{*t, err})
}

// result is what attaching gives in the end.
func (e *SkippedError) result(all Links) (Links, error) {
	if len(e.Skipped) == 0 {
		return all, nil
	}
	return all, e
}

// exhausted are errors that say nothing about the target: the next one would fail as well.
var exhausted = []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EPERM, unix.EACCES, unix.EINTR}

// refused says whether an error is about the one target.
func refused(err error) bool {
	for _, e := range exhausted {
		if errors.Is(err, e) {
			return false
		}
	}
	return true
}

// halve attaches to all of targets at once. Where the kernel refuses them because of some, halves of them are
// tried, so that these few are found and left out.
func halve(targets []lang.Target, step Step, attach func(lo, hi int) (closer, error)) (Links, error) {
	var all Links
	skipped := &SkippedError{}
	var try func(lo, hi int) error
	try = func(lo, hi int) error {
		var l closer
		err := step(hi-lo, func() (err error) {
			l, err = attach(lo, hi)
			return err
		})
		switch {
		case errors.Is(err, ErrStopped):
			return err
		case err == nil:
			all = append(all, l)
			return nil
		case !refused(err):
			return err
		case hi-lo > 1:
			mid := (lo + hi) / 2
			if err := try(lo, mid); err != nil {
				return err
			}
			return try(mid, hi)
		case !targets[lo].Wildcard:
			return err
		}
		skipped.add(&targets[lo], err)
		return nil
	}
	if err := try(0, len(targets)); errors.Is(err, ErrStopped) {
		return all, err
	} else if err != nil {
		return nil, errors.Join(err, all.Close())
	}
	return skipped.result(all)
}

// explained is an error of the kernel's in words: the text of its number says something else ("invalid multibyte character").
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }
