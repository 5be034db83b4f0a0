package actions

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	text := strings.Repeat("0123456789", 20_000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 10, 1 << 16, 1<<16 + 1, len(text) - 1, len(text), len(text) + 1} {
		data, more, err := ReadFile(path, limit)
		if want := text[:min(limit, len(text))]; err != nil || string(data) != want || more != (limit < len(text)) {
			t.Errorf("limit %d: %d bytes, more %v, error %v", limit, len(data), more, err)
		}
	}
	if _, _, err := ReadFile(path+".none", 1); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, _, err := ReadFile(t.TempDir(), 1); err == nil {
		t.Error("a directory was read")
	}
}

// TestReadPipe: nobody writes to the pipe, and nobody waits.
func TestReadPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if data, more, err := ReadFile(path, 10); err != nil || len(data) > 0 || more {
		t.Errorf("%q, more %v, error %v", data, more, err)
	}
}

func TestShell(t *testing.T) {
	for _, tt := range []struct{ command, want string }{
		{"echo one; echo two", "one\ntwo\n"},
		{"exit 3", ""},
		{"kill $$", ""},
		{"head -c 200000 /dev/zero | tr '\\0' x", strings.Repeat("x", 200_000)},
		{"cat", ""},
	} {
		var got bytes.Buffer
		err := Shell(context.Background(), tt.command, func(b []byte) error { got.Write(b); return nil })
		if err != nil || got.String() != tt.want {
			t.Errorf("%s: %d bytes, error %v", tt.command, got.Len(), err)
		}
	}
}

// TestShellStopsAll: what a command has started ends with it, unless it was left in the background of one that ended by itself.
func TestShellStopsAll(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var said bytes.Buffer
	err := Shell(ctx, "sleep 1000 & echo $!; head -c 70000 /dev/zero; wait", func(b []byte) error { said.Write(b); cancel(); return nil })
	if err != nil {
		t.Error(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(said.String(), "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 { // until it is gone, or waits for whoever inherits it
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
}

// TestShellStops: a command ends with the context, and one that is left in the background is not waited for.
func TestShellStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	err := Shell(ctx, "head -c 70000 /dev/zero; sleep 1000", func([]byte) error { cancel(); return nil })
	if err != nil {
		t.Error(err)
	}
	if err := Shell(context.Background(), "sleep 5 & echo left", func([]byte) error { return nil }); err != nil {
		t.Error(err)
	}
}
