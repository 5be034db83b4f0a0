package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
)

// brokenPipe is an output that nobody reads.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, fmt.Errorf("write: %w", unix.EPIPE) }

// A reader that goes away ends the run without an error.
func TestRunEndsOnBrokenPipe(t *testing.T) {
	needRoot(t)
	s, err := Load(benchBlueprint(1), Options{Sink: output.NewText(brokenPipe{}, nil, output.TextOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.runOnce(s.programs[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err != nil {
		t.Errorf("error %v", err)
	}
}

// Events that came before the end of the context are printed, END probes run, and nothing stays attached.
func TestRunEndsWithContext(t *testing.T) {
	needRoot(t)
	bp := benchBlueprint(1)
	bp.Programs = append(bp.Programs, program("rawtracepoint", send(0, 1, 0)...))
	var out strings.Builder
	s, err := Load(bp, Options{Sink: output.NewText(&out, nil, output.TextOptions{}), plan: rawTracepoint("sched_process_exit")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	c, err := StartChild("true")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Release(), c.Close()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(s.links) != 0 {
		t.Error("probes are still attached")
	}
	if !strings.HasPrefix(out.String(), "1 \n") || !strings.HasSuffix(out.String(), "0 command\n\n\n") {
		t.Errorf("output %q", out.String())
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// Programs on one place run in the order of the script.
func TestAttachOrder(t *testing.T) {
	var list []*loaded
	var attached []string
	for i, kind := range []string{"uprobe", "begin", "tracepoint", "kprobe", "interval", "kretprobe", "uprobe", "end"} {
		name := fmt.Sprintf("%s%d", kind, i)
		p := &loaded{spec: program(kind)}
		p.plan = linkPlan(func(*ebpf.Program) (probes.Links, error) {
			attached = append(attached, name)
			return probes.Links{io.NopCloser(nil)}, nil
		})
		list = append(list, p)
	}
	s := &Session{bp: &codegen.Blueprint{}}
	for _, p := range attachOrder(list) {
		if _, err := s.attach(p, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := "tracepoint2 kretprobe5 uprobe6 kprobe3 uprobe0 interval4"
	if got := strings.Join(attached, " "); got != want {
		t.Errorf("attached %s, want %s", got, want)
	}
}

// A probe that cannot be attached ends the session, unless the script's missing_probes says otherwise.
func TestMissingProbes(t *testing.T) {
	broken := linkPlan(func(*ebpf.Program) (probes.Links, error) { return nil, errors.New("no such place") })
	fine := linkPlan(func(*ebpf.Program) (probes.Links, error) { return probes.Links{io.NopCloser(nil)}, nil })
	for _, c := range []struct {
		setting string
		plans   []plan
		fails   bool
		says    string
	}{
		{"error", []plan{fine, broken}, true, ""},
		{"warn", []plan{fine, broken}, false, "WARNING: no such place"},
		{"ignore", []plan{fine, broken}, false, "Attached 1 probe\n"},
		{"ignore", []plan{broken}, true, ""},
	} {
		var errs strings.Builder
		s := &Session{bp: &codegen.Blueprint{Checked: checked()}, sink: output.NewText(nil, &errs, output.TextOptions{})}
		s.bp.Checked.Config.MissingProbes = c.setting
		for _, p := range c.plans {
			s.programs = append(s.programs, &loaded{spec: program("tracepoint"), plan: p})
		}
		err := s.Attach()
		if (err != nil) != c.fails || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: error %v, messages %q", c.setting, err, errs.String())
		}
	}
}

// What a wildcard matches and cannot be attached is told, and does not count.
func TestSkippedTargets(t *testing.T) {
	refused := probes.Skipped{Target: lang.Target{Name: "kprobe:b"}, Err: errors.New("notrace")}
	some := linkPlan(func(*ebpf.Program) (probes.Links, error) {
		return probes.Links{io.NopCloser(nil)}, &probes.SkippedError{Skipped: []probes.Skipped{refused}}
	})
	for _, c := range []struct{ setting, says string }{
		{"error", "WARNING: 1 probe of this wildcard was not attached, the first is kprobe:b: notrace"},
		{"warn", "WARNING: 1 probe of this wildcard was not attached"},
		{"ignore", ""},
	} {
		var errs strings.Builder
		s := &Session{bp: &codegen.Blueprint{Checked: checked()}, sink: output.NewText(nil, &errs, output.TextOptions{})}
		s.bp.Checked.Config.MissingProbes = c.setting
		p := program("kprobe")
		p.Prog.Targets = append(p.Prog.Targets, refused.Target)
		s.programs = []*loaded{{spec: p, plan: some}}
		if err := s.Attach(); err != nil {
			t.Fatal(err)
		}
		if got := errs.String(); !strings.Contains(got, c.says) || !strings.Contains(got, "Attached 1 probe\n") || c.says == "" && strings.Contains(got, "WARNING") {
			t.Errorf("%s: messages %q", c.setting, got)
		}
	}
}
