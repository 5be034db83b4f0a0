package runtime_test

import (
	"context"
	"os"
	"testing"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
)

// loadScript puts a script into the kernel.
func loadScript(t *testing.T, script string) *runtime.Session {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: loading a script needs root")
	}
	src := &source.Source{Name: "test", Text: []byte(script)}
	env, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	file, diags := lang.Parse(src, &lang.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	checked, diags := lang.Check(file, src, env, &lang.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	bp, err := codegen.Compile(checked, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := runtime.Load(bp, runtime.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A session that ends stops the loops of BEGIN; those of END run.
func TestStopLoops(t *testing.T) {
	s := loadScript(t, `
		BEGIN { @before = 1; while (1) { for ($i : 0..1000) { @begin++; } } @never = 1; }
		END { for ($i : 0..10) { @end++; } }`)
	s.StopLoops()
	if err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	s.StopLoops() // too late for END
	want := map[string]int64{"before": 1, "end": 10}
	for _, name := range []string{"before", "begin", "never", "end"} {
		var got int64
		if err := s.Snapshot(name, &got); err != nil {
			t.Fatal(err)
		}
		if got != want[name] {
			t.Errorf("@%s is %d, want %d", name, got, want[name])
		}
	}
}
