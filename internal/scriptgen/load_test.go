package scriptgen

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
)

var (
	firstSeed = flag.Uint64("seed", 1, "seed of the first script")
	scripts   = flag.Int("scripts", defaultScripts(), "how many scripts to make; fewer in the test machines, which are slow")
	maxTries  = flag.Int("tries", 300, "how many shorter scripts to try for one that fails")
	more      = flag.Bool("more", true, "scripts use Options.More")
	patience  = flag.Duration("patience", time.Minute, "how long to look for shorter scripts, for all that fail together")
)

func defaultScripts() int {
	if os.Getenv("GOTRACE_VM") != "" {
		return 200
	}
	return 500
}

// maxFailures is how many different failures are shown.
const maxFailures = 5

// maxVerified is how many instructions the verifier may look at for a program. It gives up at a million
// (BPF_COMPLEXITY_LIMIT_INSNS, include/linux/bpf.h); a script of that many paths is one that slightly longer would be refused.
const maxVerified = 500_000

// result is how far a script came.
type result struct {
	stage    string // "check", "compile", "load", "verify", "panic", or "" when it was loaded
	text     string // the messages
	verified int    // instructions the verifier looked at, for the largest program
}

// tryScript compiles and loads a script. Nothing is attached. A panic is a result like others, so that it can be minimised.
func tryScript(env *probes.Env, text string) (res result) {
	defer func() {
		if p := recover(); p != nil {
			res = result{stage: "panic", text: fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
	}()
	src := &source.Source{Name: "stdin", Text: []byte(text)}
	opts := &lang.Options{}
	file, diags := lang.Parse(src, opts)
	if diags.HasErrors() {
		return result{stage: "parse", text: render(src, diags)}
	}
	checked, diags := lang.Check(file, src, env, opts)
	if diags.HasErrors() {
		return result{stage: "check", text: render(src, diags)}
	}
	bp, err := codegen.Compile(checked, env, nil)
	var limit *codegen.Error
	if errors.As(err, &limit) && limit.Needs != 0 {
		return result{stage: "old", text: limit.Message}
	}
	if errors.As(err, &limit) {
		return result{stage: "limit", text: limit.Message}
	}
	if err != nil {
		return result{stage: "compile", text: err.Error()}
	}
	var shown bytes.Buffer
	s, err := runtime.Load(bp, runtime.Options{Env: env, Verbose: true, Sink: output.NewText(nil, &shown, output.TextOptions{})})
	if err != nil {
		var cause string
		if inner := errors.Unwrap(err); inner != nil {
			cause = "\n" + tail(inner.Error(), 3000)
		}
		return result{stage: "load", text: err.Error() + cause}
	}
	if err := s.Close(); err != nil {
		return result{stage: "close", text: err.Error()}
	}
	res.verified = mostVerified(shown.String())
	if res.verified > maxVerified {
		res.stage, res.text = "verify", fmt.Sprintf("the verifier looked at more than %d instructions\n%d in all", maxVerified, res.verified)
	}
	return res
}

var verifiedCount = regexp.MustCompile(`, (\d+) verified`)

// mostVerified is the largest count of verified instructions in what -v shows; before Linux 5.16 there is none.
func mostVerified(shown string) int {
	most := 0
	for _, m := range verifiedCount.FindAllStringSubmatch(shown, -1) {
		n, _ := strconv.Atoi(m[1])
		most = max(most, n)
	}
	return most
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

func render(src *source.Source, diags source.Diagnostics) string {
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
	opts := Options{Kprobes: hasKprobes(), Uprobe: uprobeTarget(), More: *more}
	loaded, old, most, limits := 0, 0, 0, map[string]int{}
	var failures []result
	left := *patience
	for seed := *firstSeed; seed < *firstSeed+uint64(*scripts); seed++ {
		text := Script(seed, opts)
		res := tryScript(env, text)
		most = max(most, res.verified)
		switch {
		case res.stage == "":
			loaded++
			continue
		case res.stage == "limit":
			limits[res.text]++
			continue
		case res.stage == "old":
			old++
			continue
		case slices.ContainsFunc(failures, res.same):
			t.Errorf("seed %d: the same again", seed)
			continue
		}
		failures = append(failures, res)
		start := time.Now()
		t.Errorf("seed %d: %s", seed, explain(env, text, res, &Limit{Tries: *maxTries, End: start.Add(left)}))
		left -= time.Since(start)
		if len(failures) == maxFailures {
			t.Fatal("more failures are not shown")
		}
	}
	sum := 0
	for text, n := range limits {
		t.Logf("over a limit of the compiler: %d: %s", n, text)
		sum += n
		if strings.Contains(text, "stack") {
			t.Errorf("%d scripts have no room on the stack: there is room elsewhere", n)
		}
	}
	t.Logf("%d scripts loaded, %d over a limit of the compiler, %d for newer kernels", loaded, sum, old)
	t.Logf("at most %d instructions were verified for a program", most)
	if sum > *scripts/200 {
		t.Errorf("%d of %d scripts are over a limit of the compiler", sum, *scripts)
	}
}

// explain shows a failure with the shortest script that has it and that the limit lets it find. What the checker says of a script is enough:
// the generator is wrong.
func explain(env *probes.Env, text string, res result, limit *Limit) string {
	if res.stage == "parse" || res.stage == "check" {
		return res.stage + ": " + res.text
	}
	small := Minimise(text, limit.Within(func(s string) bool {
		shorter := tryScript(env, s)
		if !shorter.same(res) {
			return false
		}
		res = shorter
		return true
	}))
	how := "minimised to"
	if limit.Reached() {
		how = "not minimised to the end (more by -tries and -patience)"
	}
	return fmt.Sprintf("%s: %s\n%s:\n%s", res.stage, res.text, how, small)
}

// hasKprobes says whether kprobe scripts can be made here: in the test machines, and where the kernel has them.
func hasKprobes() bool {
	_, err := os.Stat("/sys/bus/event_source/devices/kprobe")
	return err == nil || os.Getenv("GOTRACE_VM") != ""
}

// uprobeTarget is a function of a binary that is there: of the workload in the test machines, else of the C library.
func uprobeTarget() string {
	if bin := os.Getenv("GOTRACE_WORKLOAD"); bin != "" {
		return bin + ":wl_say"
	}
	for _, lib := range []string{"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6"} {
		if _, err := os.Stat(lib); err == nil {
			return lib + ":malloc"
		}
	}
	return ""
}

// nestedLoops has three loops within each other, with more of them behind each other and searches in strings, which are loops too.
const nestedLoops = `END {
	while (gid < (uint64)ctx) {
		for ($v : @m) {
			for ($i : 3..pid) { if ($v.0 * $i == 16) { exit(); } @n++; }
			for ($i : 4..pid) { @n++; }
			if (strcontains(str((uint64)curtask, pid), "0123456789012345678901234567890123456789")) { @z = 1; }
		}
	}
}
BEGIN { @m[1] = 2; }`

// TestNestedLoops holds that loops within each other do not multiply what the verifier goes through. Where it knows why a loop stopped these are
// many times as many instructions.
func TestNestedLoops(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: loading programs needs root")
	}
	env, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	switch res := tryScript(env, nestedLoops); {
	case res.stage == "old":
		t.Skipf("SKIPPED: this kernel has no loops: %s", res.text)
	case res.stage != "":
		t.Errorf("%s: %s", res.stage, res.text)
	case res.verified > 10_000:
		t.Errorf("the verifier looks at %d instructions", res.verified)
	default:
		t.Logf("%d instructions were verified", res.verified)
	}
}
