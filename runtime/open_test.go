package runtime_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: loading eBPF programs needs root")
	}
}

// open opens a script that traces the test itself.
func open(t *testing.T, script string, opts runtime.Options) *runtime.Session {
	t.Helper()
	needRoot(t)
	if opts.Command == "" {
		opts.PID = os.Getpid()
	}
	s, err := runtime.Open(t.Context(), script, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func run(t *testing.T, s *runtime.Session) {
	t.Helper()
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Mistakes come with their places, from each stage.
func TestOpenMistakes(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		script, says string
		columns      []int
	}{
		{"BEGIN { $x = ; }", "script:1:14: ", []int{14}},
		{"BEGIN { print(nothing); print($y) }", "script:1:15: ", []int{15, 31}},
		{"tracepoint:syscalls:sys_enter_nothing { }", "script:1:1: ", []int{1}},
	} {
		_, err := runtime.Open(t.Context(), c.script, runtime.Options{})
		var at *runtime.Error
		if !errors.As(err, &at) || at.Source == nil {
			t.Errorf("%s: error %v", c.script, err)
			continue
		}
		var columns []int
		for _, d := range at.Diagnostics {
			columns = append(columns, d.Pos.Column)
		}
		if !reflect.DeepEqual(columns, c.columns) || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: columns %v, error %q", c.script, columns, err)
		}
	}
	if _, err := runtime.Open(t.Context(), "BEGIN { }", runtime.Options{Command: "no-such-command"}); err == nil {
		t.Error("no error for a command that does not exist")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runtime.Open(ended, "BEGIN { }", runtime.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// Maps, values and arguments of printf fill the types of the caller.
func TestCallersTypes(t *testing.T) {
	type key struct {
		N    int32
		Name string
	}
	var (
		printed struct {
			PID  int
			Arg1 string
			Key  uint64
		}
		shown key
		maps  = map[string]any{}
	)
	s := open(t, `
		enum state { OFF, ON };
		struct inner { union { int a; unsigned b; }; char name[4]; };
		BEGIN {
			@pairs[(int32)-1, "one"] = 1; @pairs[(int32)2, "two"] = 3;
			@on = ON; @h = hist(5); @l["x"] = lhist(7, 0, 10, 5); @s = stats(4); @s = stats(8); @flag = true; @never = 0;
			$key = (uint64)18446744073709551615;
			printf("%d %s %x\n", pid, "text", $key);
			print(((int32)7, "seven"));
			print(@pairs);
			exit();
		}`,
		runtime.Options{Sink: output.Func(func(e output.Event) error {
			switch e := e.(type) {
			case *output.Printf:
				return e.Decode(&printed)
			case *output.Value:
				return e.Decode(&shown)
			case *output.Map:
				pairs := map[key]int{}
				if e.Name != "pairs" {
					return nil
				}
				maps[e.Name] = pairs
				return e.Decode(&pairs)
			}
			return nil
		})})
	run(t, s)
	if printed.PID != os.Getpid() || printed.Arg1 != "text" || printed.Key != 1<<64-1 {
		t.Errorf("printf gave %+v", printed)
	}
	if shown != (key{7, "seven"}) {
		t.Errorf("print gave %+v", shown)
	}
	for _, c := range []struct {
		name string
		want any
	}{
		{"pairs", map[key]uint64{{-1, "one"}: 1, {2, "two"}: 3}},
		{"@pairs", []value.Element{{Key: value.Tuple{int64(-1), "one"}, Value: int64(1)}, {Key: value.Tuple{int64(2), "two"}, Value: int64(3)}}},
		{"on", "ON"},
		{"on", uint8(1)},
		{"h", []value.Bucket{{Lo: 4, Hi: 8, Count: 1}}},
		{"l", map[string][]value.Bucket{"x": {{Lo: 5, Hi: 10, Count: 1}}}},
		{"s", struct{ Count, Total int }{2, 12}},
		{"flag", true},
	} {
		dst := reflect.New(reflect.TypeOf(c.want))
		if err := s.Snapshot(c.name, dst.Interface()); err != nil {
			t.Errorf("%s to %T: %v", c.name, c.want, err)
		} else if got := dst.Elem().Interface(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s to %T: %#v", c.name, c.want, got)
		}
	}
	if err := s.Snapshot("nothing", new(int)); err == nil || !strings.Contains(err.Error(), "no map @nothing") {
		t.Errorf("a map that is not there: %v", err)
	}
}

// Maps are read from other goroutines, and from the sink, while a script prints and empties them. What is printed and what is left
// add up to what was counted.
func TestSnapshotWhileRunning(t *testing.T) {
	const rounds, calls = 20, 50
	var (
		s     *runtime.Session
		total uint64
	)
	sum := func(list map[uint64]uint64) (n uint64) {
		for _, v := range list {
			n += v
		}
		return n
	}
	ctx, stop := context.WithCancel(t.Context())
	sink := output.Func(func(e output.Event) error {
		m, ok := e.(*output.Map)
		if !ok || m.Name != "calls" {
			return nil
		}
		list := map[uint64]uint64{}
		if err := m.Decode(&list); err != nil {
			return err
		}
		total += sum(list)
		return s.Snapshot("calls", &list)
	})
	s = open(t, `
		tracepoint:syscalls:sys_enter_getppid { @calls[tid] = count(); @n++; }
		tracepoint:syscalls:sys_enter_getpgid { print(@calls); clear(@calls); }`, runtime.Options{Sink: sink})
	ended := make(chan error, 1)
	go func() {
		defer stop()
		for range rounds {
			for range calls {
				syscall.Getppid()
			}
			_, _ = syscall.Getpgid(0)
			var n uint64
			var list map[uint64]uint64
			if err := errors.Join(s.Snapshot("n", &n), s.Snapshot("calls", &list)); err != nil {
				ended <- err
				return
			}
			if _, err := s.Failures(); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	if err := errors.Join(s.Run(ctx), <-ended); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := s.Snapshot("n", &n); err != nil || n != rounds*calls || total != n {
		t.Errorf("%d calls counted, %d printed, want %d (%v)", n, total, rounds*calls, err)
	}
}

// What fails is data, with its place, while the session runs and after it.
func TestFailures(t *testing.T) {
	var told []output.Failure
	s := open(t, `config = { max_map_keys = 1; print_maps_on_exit = false }
BEGIN { @m[1] = 1; @m[2] = 1; @m[3] = 1; $zero = *(uint8 *)8; exit(); }`, runtime.Options{Sink: output.Func(func(e output.Event) error {
		if f, ok := e.(output.Failures); ok {
			told = f.List
		}
		return nil
	})})
	check := func(when string) {
		t.Helper()
		list, err := s.Failures()
		if err != nil {
			t.Fatal(err)
		}
		counts := map[output.FailureKind]uint64{}
		var places []source.Pos
		for _, f := range list {
			counts[f.Kind] += f.Count
			places = append(places, f.Diagnostic.Pos)
		}
		if want := map[output.FailureKind]uint64{output.FailMapFull: 2, output.FailRead: 1}; !reflect.DeepEqual(counts, want) {
			t.Errorf("%s: %v, want %v", when, counts, want)
		}
		for _, pos := range places {
			if pos.Line != 2 || pos.Column < 20 {
				t.Errorf("%s: place %v", when, pos)
			}
		}
	}
	check("before the run")
	run(t, s)
	check("after the run")
	if len(told) == 0 {
		t.Error("the sink was told nothing")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check("after Close")
	if err := s.Snapshot("m", new(map[int]int)); !errors.Is(err, runtime.ErrClosed) {
		t.Errorf("reading a closed session: %v", err)
	}
}

// The end of the command ends the run; the session ends the command.
func TestOpenCommand(t *testing.T) {
	s := open(t, `tracepoint:syscalls:sys_enter_execve /pid == cpid/ { @execs++; }`, runtime.Options{Command: "true"})
	run(t, s)
	var execs int
	if err := s.Snapshot("execs", &execs); err != nil || execs != 1 {
		t.Errorf("%d calls of execve, want 1 (%v)", execs, err)
	}
	s = open(t, `BEGIN { exit(3); }`, runtime.Options{Command: "sleep 600"})
	run(t, s)
	if s.ExitCode() != 3 {
		t.Errorf("exit code %d, want 3", s.ExitCode())
	}
}
