package scriptgen

import (
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
)

var (
	firstSeed = flag.Uint64("seed", 1, "seed of the first script")
	scripts   = flag.Int("scripts", 500, "how many scripts to make")
)

// result is how far a script came.
type result struct {
	stage string // "check", "compile", "load", or "" when it was loaded
	text  string // the messages
}

// tryScript compiles and loads a script. Nothing is attached.
func tryScript(env *probes.Env, text string) result {
	src := &lang.Source{Name: "stdin", Text: []byte(text)}
	opts := &lang.Options{}
	file, diags := lang.Parse(src, opts)
	if diags.HasErrors() {
		return result{"parse", render(src, diags)}
	}
	checked, diags := lang.Check(file, src, env, opts)
	if diags.HasErrors() {
		return result{"check", render(src, diags)}
	}
	bp, err := codegen.Compile(checked, env, nil)
	var limit *codegen.Error
	if errors.As(err, &limit) && limit.Needs != 0 {
		return result{"old", limit.Message}
	}
	if errors.As(err, &limit) {
		return result{"limit", limit.Message}
	}
	if err != nil {
		return result{"compile", err.Error()}
	}
	s, err := runtime.Load(bp, runtime.Options{Env: env})
	if err != nil {
		var cause string
		if inner := errors.Unwrap(err); inner != nil {
			cause = "\n" + tail(inner.Error(), 3000)
		}
		return result{"load", err.Error() + cause}
	}
	if err := s.Close(); err != nil {
		return result{"close", err.Error()}
	}
	return result{}
}

var position = regexp.MustCompile(`^stdin:[0-9:-]+`)

// same says whether two results are the same failure: the same stage and first line, wherever it stands.
func (r result) same(other result) bool {
	first := func(s string) string {
		line, _, _ := strings.Cut(s, "\n")
		return position.ReplaceAllString(line, "")
	}
	return r.stage == other.stage && first(r.text) == first(other.text)
}

func render(src *lang.Source, diags lang.Diagnostics) string {
	var b strings.Builder
	diags.Write(&b, src, false)
	return b.String()
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// TestLoads makes random scripts, and no verifier may refuse one. A script that the checker
// refuses is a bug of the generator; one that the code generator finds too large is counted.
func TestLoads(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: loading programs needs root")
	}
	env, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seeds %d to %d", *firstSeed, *firstSeed+uint64(*scripts)-1)
	kprobes := hasKprobes()
	loaded, limits, old, failures := 0, 0, 0, 0
	for seed := *firstSeed; seed < *firstSeed+uint64(*scripts); seed++ {
		text := Script(seed, kprobes)
		res := tryScript(env, text)
		switch res.stage {
		case "":
			loaded++
			continue
		case "limit":
			limits++
			continue
		case "old":
			old++
			continue
		}
		failures++
		small := Minimise(text, func(s string) bool { return tryScript(env, s).same(res) })
		t.Errorf("seed %d: %s: %s\nminimised to:\n%s", seed, res.stage, res.text, small)
		if failures == 5 {
			t.Fatal("more failures are not shown")
		}
	}
	t.Logf("%d scripts loaded, %d over a limit of the compiler, %d for newer kernels", loaded, limits, old)
	if limits > *scripts/20 {
		t.Errorf("%d of %d scripts are over a limit of the compiler", limits, *scripts)
	}
}

// hasKprobes says whether kprobe scripts can be made here: in the test machines, and where the kernel has them.
func hasKprobes() bool {
	_, err := os.Stat("/sys/bus/event_source/devices/kprobe")
	return err == nil || os.Getenv("GOTRACE_VM") != ""
}
