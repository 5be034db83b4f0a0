package runtime_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
)

// A signal has the maps printed while the script runs, or its self probes run, and takes nothing away.
func TestSignal(t *testing.T) {
	for _, tt := range []struct {
		script string
		want   []string // what comes before the end, in order
	}{
		{`BEGIN { @n = 3; @m[1] = 2; } interval:s:9 { }`, []string{"@m 1", "@n 1", "@m 1", "@n 1"}},
		{`self:signal:SIGUSR1 { print(7); @n++; }`, []string{"7", "7"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var s *runtime.Session
		var got []string
		ended := false
		s = open(t, tt.script, runtime.Options{Sink: output.Func(func(e output.Event) error {
			switch e := e.(type) {
			case *output.Map:
				got = append(got, fmt.Sprintf("@%s %d", e.Name, len(e.Elements)))
			case *output.Value:
				got = append(got, string(e.Codec.AppendText(nil, e.Bytes)))
			case output.End:
				ended = true
			}
			switch {
			case ended:
			case len(got) == len(tt.want)/2:
				s.Signal() // the second one
			case len(got) == len(tt.want):
				cancel()
			}
			return nil
		})})
		s.Signal()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(got) < len(tt.want) || fmt.Sprint(got[:len(tt.want)]) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %q, want %q first", tt.script, got, tt.want)
		}
	}
}

// The name, the verdict and the output of each test come as data, and so does the time of a benchmark.
func TestModes(t *testing.T) {
	const script = `test:good { print(1); } test:bad { print(2); return 1; } bench:b { @++; } BEGIN { @x = 1; } interval:s:1 { exit(); }`
	for mode, want := range map[runtime.Mode]string{
		runtime.ModeTest:  "good true 1\n|bad false 2\n|exit 1",
		runtime.ModeBench: "b true true|exit 0",
	} {
		got := ""
		s := open(t, script, runtime.Options{Mode: mode, Sink: output.Func(func(e output.Event) error {
			switch e := e.(type) {
			case output.TestResult:
				got += fmt.Sprintf("%s %v %s|", e.Name, e.Passed, e.Output)
			case output.BenchResult:
				got += fmt.Sprintf("%s %v %v|", e.Name, e.Average > 0, e.Iterations > 0)
			case output.Attached, *output.Map, *output.Value:
				t.Errorf("%s: %T", mode, e)
			}
			return nil
		})})
		run(t, s)
		if got += fmt.Sprintf("exit %d", s.ExitCode()); got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}
