package progress

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
)

// TestProgress has a task of ten steps: what takes less than a second is not told, what takes longer is, and its end.
func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		step time.Duration
		told bool
	}{{50 * time.Millisecond, false}, {300 * time.Millisecond, true}} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var told []output.Progress
			task := Start(t.Context(), output.StageAttach, 10, func(e output.Event) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, e.(output.Progress))
			})
			for range 10 {
				if err := task.Step(1, func() error { time.Sleep(tt.step); return nil }); err != nil {
					t.Error(err)
				}
			}
			task.End()
			task.End()
			if (len(told) > 0) != tt.told {
				t.Fatalf("steps of %v: told %d times", tt.step, len(told))
			}
			if !tt.told {
				return
			}
			if first, last := told[0], told[len(told)-1]; first.Took < Patience || first.Done != 3 || first.Step != 1 || !last.End || last.Done != 10 {
				t.Errorf("first %+v, last %+v", first, last)
			}
			if slices.ContainsFunc(told[:len(told)-1], func(p output.Progress) bool { return p.End }) {
				t.Errorf("the end is told before the end: %+v", told)
			}
		})
	}
}

// TestSteps counts what is done together once, and stops with its context.
func TestSteps(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	task := Start(ctx, output.StageAttach, 4, func(output.Event) {})
	defer task.End()
	failed := errors.New("failed")
	for _, s := range []struct {
		n    int
		err  error
		done int64
	}{{4, failed, 0}, {2, nil, 2}, {2, failed, 2}, {1, nil, 3}, {1, failed, 4}} {
		if err := task.Step(s.n, func() error { return s.err }); !errors.Is(err, s.err) || task.done.Load() != s.done {
			t.Errorf("step of %d that gives %v: error %v, %d done; want %d", s.n, s.err, err, task.done.Load(), s.done)
		}
	}
	cancel()
	err := task.Step(1, func() error { t.Error("a step after the end"); return nil })
	if !errors.Is(err, probes.ErrStopped) {
		t.Errorf("error %v, want ErrStopped", err)
	}
}
