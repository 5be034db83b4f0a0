package interp_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/internal/interp"
	"github.com/gotrace/gotrace/internal/scriptgen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
)

var (
	firstSeed = flag.Uint64("seed", 1, "seed of the first script of TestKernelValues")
	howMany   = flag.Int("scripts", 100, "how many scripts TestKernelValues makes")
)

// minimiseTries is how many shorter scripts are tried for one that fails, and minimiseTime how long for all that fail.
const (
	minimiseTries = 300
	minimiseTime  = time.Minute
)

// TestKernelValues runs random scripts in the kernel and by the interpreter: both must print the same.
func TestKernelValues(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: running scripts needs root")
	}
	env, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	left := minimiseTime
	for seed := *firstSeed; seed < *firstSeed+uint64(*howMany); seed++ {
		script := valueScript(seed)
		bad := differs(t, env, script)
		if bad == "" {
			continue
		}
		if !strings.HasPrefix(bad, wrong) {
			t.Errorf("seed %d: %s\n%s", seed, bad, script)
			continue
		}
		start := time.Now()
		limit := &scriptgen.Limit{Tries: minimiseTries, End: start.Add(left)}
		small := scriptgen.Minimise(script, limit.Within(func(s string) bool {
			how := differs(t, env, s)
			if !strings.HasPrefix(how, wrong) {
				return false
			}
			bad = how
			return true
		}))
		left -= time.Since(start)
		t.Errorf("seed %d: %s\nof\n%s", seed, bad, small)
	}
}

// wrong begins what differs says of a wrong result.
const wrong = "the kernel prints"

// differs says how what the kernel does differs from what the interpreter does, "" if it does not.
func differs(t *testing.T, env *probes.Env, script string) string {
	t.Helper()
	src := &source.Source{Name: "stdin", Text: []byte(script)}
	opts := &lang.Options{}
	file, diags := lang.Parse(src, opts)
	var checked *lang.Checked
	if !diags.HasErrors() {
		checked, diags = lang.Check(file, src, env, opts)
	}
	if diags.HasErrors() {
		return "it is refused: " + diags[0].Message
	}
	want, err := interp.Run(checked)
	if errors.Is(err, interp.ErrUnknown) {
		return err.Error()
	}
	got, err := inKernel(t.Context(), env, script)
	switch {
	case err != nil:
		return "it fails: " + err.Error()
	case lines(got) != lines(want):
		return wrong + "\n" + lines(got) + "\nwant\n" + lines(want)
	}
	return ""
}

// inKernel runs a script and gives what it prints.
func inKernel(ctx context.Context, env *probes.Env, script string) (string, error) {
	var out, messages bytes.Buffer
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	text := output.NewText(&out, &messages, output.TextOptions{})
	s, err := runtime.Open(ctx, script, runtime.Options{Env: env, Sink: text})
	if err != nil {
		return "", err
	}
	err = errors.Join(s.Run(ctx), s.Close(), text.Drain())
	if slices.ContainsFunc([]string{"failed", "lost", "full"}, func(s string) bool { return strings.Contains(messages.String(), s) }) {
		return "", errors.Join(err, errors.New(messages.String()))
	}
	return out.String(), err
}
