// Package progress tells how far a task of many steps is that takes long: loading programs, attaching and detaching them.
package progress

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
)

// Patience is how long a task may take before it is told, and Period how often it is told then.
const (
	Patience = time.Second
	Period   = 200 * time.Millisecond
)

// Task is something that is done in steps, from any goroutine. Its end must be told by End.
type Task struct {
	ctx        context.Context
	stage      output.Stage
	total      int
	done, step atomic.Int64
	tell       func(output.Event)

	once       sync.Once
	end, ended chan struct{}
}

// Start begins a task of total steps. tell is called from another goroutine until End, if the task takes longer than Patience.
// A step that would begin after the end of ctx, which may be nil, is refused.
func Start(ctx context.Context, stage output.Stage, total int, tell func(output.Event)) *Task {
	if ctx == nil {
		ctx = context.Background()
	}
	t := &Task{ctx: ctx, stage: stage, total: total, tell: tell, end: make(chan struct{}), ended: make(chan struct{})}
	go t.watch()
	return t
}

// Step does n steps of the task by one call. It is a probes.Step.
func (t *Task) Step(n int, do func() error) error {
	if t.ctx.Err() != nil {
		return probes.ErrStopped
	}
	t.step.Store(int64(n))
	err := do()
	t.step.Store(0)
	if err == nil || n == 1 { // what fails together is tried in parts
		t.Add(n)
	}
	return err
}

// Add counts n steps that are done.
func (t *Task) Add(n int) { t.done.Add(int64(n)) }

// End ends the task, done or not. It may be called again.
func (t *Task) End() {
	t.once.Do(func() { close(t.end) })
	<-t.ended
}

func (t *Task) watch() {
	defer close(t.ended)
	start := time.Now()
	select {
	case <-time.After(Patience):
	case <-t.end:
		return
	}
	tick := time.NewTicker(Period)
	defer tick.Stop()
	for {
		t.tell(output.Progress{Stage: t.stage, Done: min(int(t.done.Load()), t.total), Total: t.total, Step: int(t.step.Load()), Took: time.Since(start)})
		select {
		case <-tick.C:
		case <-t.end:
			t.tell(output.Progress{Stage: t.stage, Done: t.total, Total: t.total, Took: time.Since(start), End: true})
			return
		}
	}
}
