package probes

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

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
func halve(targets []lang.Target, attach func(lo, hi int) (closer, error)) (Links, error) {
	var all Links
	skipped := &SkippedError{}
	var try func(lo, hi int) error
	try = func(lo, hi int) error {
		l, err := attach(lo, hi)
		switch {
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
	if err := try(0, len(targets)); err != nil {
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
