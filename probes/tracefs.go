package probes

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/probes/internal/syscalls"
)

// tracefsPlaces are where tracefs is found, the usual place first.
var tracefsPlaces = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// tracefs is the directory of the tracing file system. Where it is not mounted and we may, this process mounts it for itself.
func (e *Env) tracefs() (string, error) {
	e.tracefsOnce.Do(func() { e.tracefsPath, e.tracefsErr = findTracefs() })
	return e.tracefsPath, e.tracefsErr
}

// Tracefs is where tracefs can be read. A mount of gotrace's own that finding it may need goes away with the process.
func Tracefs() (string, error) { return findTracefs() }

func findTracefs() (string, error) {
	if exists(tracefsPlaces[0] + "/events") {
		return tracefsPlaces[0], nil
	}
	if dir, err := detachedTracefs(); err == nil && exists(dir+"/events") {
		return dir, nil
	}
	// The second comes last, because to look there mounts it where debugfs is mounted.
	if exists(tracefsPlaces[1] + "/events") {
		return tracefsPlaces[1], nil
	}
	if _, err := os.Stat(tracefsPlaces[0] + "/events"); errors.Is(err, os.ErrPermission) {
		return "", fmt.Errorf("reading %s: %w: run gotrace as root", tracefsPlaces[0], os.ErrPermission)
	}
	return "", fmt.Errorf("tracefs is not mounted: run: mount -t tracefs tracefs %s", tracefsPlaces[0])
}

// tracepoint is a tracepoint that tracefs knows.
type tracepoint struct{ category, event string }

func (t tracepoint) String() string { return t.category + ":" + t.event }

// events returns the tracepoints that match, sorted.
func (e *Env) events(category, event string) ([]tracepoint, error) {
	dir, err := e.tracefs()
	if err != nil {
		return nil, err
	}
	raw := e.rawSyscalls()
	if raw && match(category, "syscalls") && !isPattern(category) {
		return syscallEvents(event), nil
	}
	if !isPattern(category) && !isPattern(event) {
		// Records that ftrace writes itself have a format too, but are nothing to attach to: they cannot be enabled.
		if strings.Contains(category+event, "/") {
			return nil, nil
		}
		found, err := present(filepath.Join(dir, "events", category, event, "enable"))
		if err != nil {
			return nil, fmt.Errorf("finding tracepoint %s:%s: %w", category, event, err)
		}
		if !found {
			return nil, nil
		}
		return []tracepoint{{category, event}}, nil
	}
	f, err := os.Open(filepath.Join(dir, "available_events"))
	if err != nil {
		return nil, fmt.Errorf("listing tracepoints: %w", err)
	}
	defer f.Close()
	all, err := ParseEvents(f)
	if err != nil {
		return nil, fmt.Errorf("listing tracepoints: %w", err)
	}
	var out []tracepoint
	for _, name := range all {
		c, n, _ := strings.Cut(name, ":")
		if match(category, c) && match(event, n) && !(raw && c == "syscalls") {
			out = append(out, tracepoint{c, n})
		}
	}
	if raw && match(category, "syscalls") {
		out = append(out, syscallEvents(event)...)
		slices.SortFunc(out, func(a, b tracepoint) int { return strings.Compare(a.String(), b.String()) })
	}
	return out, nil
}

// rawSyscalls says that the kernel has no tracepoints of system calls (CONFIG_FTRACE_SYSCALLS), but the raw ones that all calls pass and the types that programs on these
// need.
func (e *Env) rawSyscalls() bool {
	dir, err := e.tracefs()
	if err != nil || goarch != "amd64" || exists(dir+"/events/syscalls") && !slices.Contains(e.opts.Without, "syscall_tracepoints") {
		return false
	}
	_, err = e.vmlinux()
	return err == nil && exists(dir+"/events/raw_syscalls")
}

// syscallEvents are the tracepoints of system calls that there would be, sorted.
func syscallEvents(event string) []tracepoint {
	var out []tracepoint
	for _, prefix := range []string{syscalls.Enter, syscalls.Exit} {
		for _, name := range syscalls.Names() {
			if name = prefix + name; match(event, name) && syscallOf(name) != 0 {
				out = append(out, tracepoint{"syscalls", name})
			}
		}
	}
	return out
}

// present says whether a file is there, or why that cannot be said: to be kept from looking is not to find nothing.
func present(path string) (bool, error) {
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return false, nil
	}
	return false, err
}

// ParseEvents reads available_events of tracefs, a "category:event" a line, and sorts it.
func ParseEvents(r io.Reader) ([]string, error) {
	var out []string
	s := bufio.NewScanner(r)
	for s.Scan() {
		category, event, _ := strings.Cut(strings.TrimSpace(s.Text()), ":")
		if category != "" && event != "" {
			out = append(out, category+":"+event)
		}
	}
	return sortedUnique(out), s.Err()
}

// detachedTracefs is a mount of tracefs that only this process sees.
var detachedTracefs = sync.OnceValues(func() (string, error) { return detachedMount("tracefs") })
