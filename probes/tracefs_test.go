package probes

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// A tracepoint that can not be looked at is not one that does not exist.
func TestUnreadableTracefs(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "events", "sched"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "events", "loop")); err != nil { // root is kept out by nothing else
		t.Fatal(err)
	}
	e := &Env{tracefsPath: dir}
	e.tracefsOnce.Do(func() {})
	if found, err := e.events("sched", "nothing"); err != nil || len(found) != 0 {
		t.Errorf("a tracepoint that does not exist: %v, %v", found, err)
	}
	_, err := e.Resolve(&lang.AttachPoint{Provider: "tracepoint", Parts: []string{"loop", "x"}})
	var missing *lang.NotFoundError
	if !errors.Is(err, unix.ELOOP) || errors.As(err, &missing) {
		t.Errorf("a tracepoint that can not be looked at: %v", err)
	}
}
