package probes

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
)

// A tracepoint that cannot be looked at is not one that does not exist.
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
	_, err := e.Resolve(&ast.AttachPoint{Provider: "tracepoint", Parts: []string{"loop", "x"}})
	var missing *lang.NotFoundError
	if !errors.Is(err, unix.ELOOP) || errors.As(err, &missing) {
		t.Errorf("a tracepoint that cannot be looked at: %v", err)
	}
}

// Where tracefs is not mounted a process has its own, which nobody sees.
func TestDetachedTracefs(t *testing.T) {
	needRoot(t)
	before, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := detachedTracefs()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"available_events", "events/sched/sched_switch/id", "events/sched/sched_switch/format"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	if after, err := os.ReadFile("/proc/self/mountinfo"); err != nil || string(after) != string(before) {
		t.Errorf("mounts were %s\nnow they are %s, %v", before, after, err)
	}
}
