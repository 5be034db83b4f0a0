package probes

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
)

// targetsOf makes targets of names; those after a "*" were matched by a wildcard.
func targetsOf(names string) []lang.Target {
	var out []lang.Target
	for _, n := range strings.Fields(names) {
		f := strings.TrimPrefix(n, "*")
		out = append(out, lang.Target{Kind: builtin.ProbeKindByName("kprobe"), Name: "kprobe:" + f, Func: f, Wildcard: f != n})
	}
	return out
}

// attachments count what is attached.
type attachments struct{ open int }

func (a *attachments) link() io.Closer { a.open++; return a }
func (a *attachments) Close() error    { a.open--; return nil }

// Functions that begin with "no" are refused, those that begin with "full" find no descriptor.
func (a *attachments) attach(names ...string) (closer, error) {
	for _, n := range names {
		switch {
		case strings.HasPrefix(n, "no"):
			return nil, fmt.Errorf("notrace: %w", unix.EINVAL)
		case strings.HasPrefix(n, "full"):
			return nil, unix.EMFILE
		}
	}
	return a.link(), nil
}

// What a wildcard matches and the kernel refuses is left out and told; everything else is an error that leaves nothing attached.
func TestSkipped(t *testing.T) {
	for _, tt := range []struct {
		targets string
		links   int    // one by one
		halves  int    // together
		skipped string // "" for none
		fails   string
	}{
		{"a b c", 3, 1, "", ""},
		{"*a *b *c", 3, 1, "", ""},
		{"*a *no *c", 2, 2, "no", ""},
		{"*a *b *c *d *no1 *f *no2 *h", 6, 3, "no1 no2", ""},
		{"*no1 *no2", 0, 0, "no1 no2", ""},
		{"a no c", 0, 0, "", "notrace"},
		{"*a *no1 no2", 0, 0, "", "notrace"},
		{"*a *b *full", 0, 0, "", "too many open files"},
	} {
		targets := targetsOf(tt.targets)
		try := func(how string, want int, attach func(*attachments) (Links, error)) {
			a := &attachments{}
			links, err := attach(a)
			var some *SkippedError
			if tt.fails != "" {
				if err == nil || errors.As(err, &some) || !strings.Contains(err.Error(), tt.fails) || a.open != 0 {
					t.Errorf("%s, %s: error %v with %d attached; want one of %s and nothing attached", tt.targets, how, err, a.open, tt.fails)
				}
				return
			}
			var skipped []string
			if errors.As(err, &some) {
				for _, k := range some.Skipped {
					skipped = append(skipped, k.Target.Func)
				}
			} else if err != nil {
				t.Errorf("%s, %s: %v", tt.targets, how, err)
			}
			if got := strings.Join(skipped, " "); got != tt.skipped || len(links) != want || a.open != want {
				t.Errorf("%s, %s: skipped %q with %d links; want %q and %d", tt.targets, how, got, len(links), tt.skipped, want)
			}
		}
		try("one by one", tt.links, func(a *attachments) (Links, error) {
			return each(targets, func(t *lang.Target, _ *ebpf.Program) (closer, error) { return a.attach(t.Func) })(nil, unfollowed)
		})
		try("together", tt.halves, func(a *attachments) (Links, error) {
			return halve(targets, unfollowed, func(lo, hi int) (closer, error) {
				var names []string
				for _, t := range targets[lo:hi] {
					names = append(names, t.Func)
				}
				return a.attach(names...)
			})
		})
	}
}

// TestSkippedByKernel has a function among those of a wildcard that the kernel does not know.
func TestSkippedByKernel(t *testing.T) {
	needKprobes(t)
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	targets := targetsOf("*vfs_read *vfs_write *no_such_function *vfs_open")
	plan, err := e.Plan(targets)
	if err != nil {
		t.Fatal(err)
	}
	c := newCounter(t, ebpf.Kprobe, plan)
	links, err := plan.Attach(c.prog, nil)
	var some *SkippedError
	if !errors.As(err, &some) || len(some.Skipped) != 1 || some.Skipped[0].Target.Func != "no_such_function" {
		t.Fatalf("error %v, want one that names no_such_function", err)
	}
	read()
	if c.count(t) == 0 {
		t.Error("the other functions are not attached")
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
}

// TestStopped ends attaching in the middle: what is attached by then stays, for whoever attached it to close.
func TestStopped(t *testing.T) {
	targets := targetsOf("*a *b *c *d *e")
	for name, attach := range map[string]func(*attachments, Step) (Links, error){
		"one by one": func(a *attachments, step Step) (Links, error) {
			return each(targets, func(t *lang.Target, _ *ebpf.Program) (closer, error) { return a.attach(t.Func) })(nil, step)
		},
		"together": func(a *attachments, step Step) (Links, error) {
			return halve(targets, step, func(lo, hi int) (closer, error) {
				if hi-lo > 1 {
					return nil, unix.EINVAL
				}
				return a.attach(targets[lo].Func)
			})
		},
	} {
		a, steps := &attachments{}, 0
		links, err := attach(a, func(_ int, do func() error) error {
			if a.open == 2 {
				return ErrStopped
			}
			steps++
			return do()
		})
		if !errors.Is(err, ErrStopped) || len(links) != 2 || a.open != 2 {
			t.Errorf("%s: %d links, %d open after %d steps, error %v; want 2 links and ErrStopped", name, len(links), a.open, steps, err)
		}
	}
}
