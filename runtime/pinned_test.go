package runtime

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/runtime/output"
)

// A pinned iterator writes to its file, when the session that made it is over.
func TestPinnedIterator(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: loading programs needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Skipf("SKIPPED: no file system for programs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	var told bytes.Buffer
	pin := dir + "/list"
	script := `iter:task:` + pin + ` /args.task == curtask.group_leader/ { @n++; printf("%-6s|%3d|0x%x\n", "task", @n, 255); }`
	s, err := Open(context.Background(), script, Options{Sink: output.NewText(&told, &told, output.TextOptions{})})
	if err != nil {
		if strings.Contains(err.Error(), "BTF") {
			t.Skipf("SKIPPED: %v", err)
		}
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"  1", "  2"} {
		text, err := os.ReadFile(pin)
		if line := "task  |" + want + "|0xff\n"; err != nil || string(text) != line {
			t.Errorf("read %d: %q, %v; want %q", i, text, err, line)
		}
	}
	if !strings.Contains(told.String(), "pinned to "+pin) {
		t.Errorf("told: %s", told.String())
	}
}
