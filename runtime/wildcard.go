package runtime

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
)

// wildcard is an attach point with a pattern, each of whose targets has a program of its own: it takes what it can get, as one
// whose targets share a program does.
type wildcard struct {
	program  *codegen.Program // of the first target that was left out
	attached int
	skipped  []probes.Skipped
}

// wildcardOf is the attach point of a target.
func (s *Session) wildcardOf(p *codegen.Program, t *lang.Target) *wildcard {
	at := targetSpan(p, t).Pos
	w := s.wildcards[at]
	if w == nil {
		if s.wildcards == nil {
			s.wildcards = map[source.Pos]*wildcard{}
		}
		w = &wildcard{}
		s.wildcards[at] = w
	}
	return w
}

// skip leaves out a target that is alone in its program, if a pattern matched it and the error is about the target.
func (s *Session) skip(p *codegen.Program, err error) bool {
	t := &p.Prog.Targets[0]
	var skipped *probes.SkippedError
	var refused *probes.TargetError
	if !t.Wildcard || !t.Kind.OneTarget || !errors.As(err, &skipped) && !errors.As(err, &refused) {
		return false
	}
	w := s.wildcardOf(p, t)
	if w.program == nil {
		w.program = p
	}
	if skipped != nil {
		w.skipped = append(w.skipped, skipped.Skipped...)
	} else {
		w.skipped = append(w.skipped, probes.Skipped{Target: *t, Err: refused})
	}
	return true
}

// endWildcards tells of the targets that were left out. A pattern of which nothing is attached is an error.
func (s *Session) endWildcards() error {
	places := slices.SortedFunc(maps.Keys(s.wildcards), func(a, b source.Pos) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for _, at := range places {
		w := s.wildcards[at]
		if w.program == nil {
			continue
		}
		if w.attached == 0 {
			if err := s.at(w.program, &probes.SkippedError{Skipped: w.skipped}); !s.mayMiss(err) {
				return err
			}
			continue
		}
		s.tellSkipped(w.program, w.skipped)
	}
	return nil
}
