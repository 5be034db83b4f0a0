package vmtest

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/internal/vmtest/wire"
)

// TestVM runs the suites on Debian's kernels in QEMU. It takes minutes, so it
// runs only when asked for: `make test` and `make test-vm` do.
func TestVM(t *testing.T) {
	if os.Getenv("GOTRACE_TEST_VM") == "" {
		t.Skip("SKIPPED: set GOTRACE_TEST_VM=1, or run `make test-vm`")
	}
	guest, err := BuildGuest(t.TempDir(), chosen(t))
	if err != nil {
		t.Fatal(err)
	}
	for series := range strings.SplitSeq(*kernels, ",") {
		t.Run(series, func(t *testing.T) {
			t.Parallel() // a machine uses one CPU of the host
			kernel, err := FindKernel(series)
			if errors.Is(err, ErrUnavailable) {
				t.Skipf("SKIPPED: nothing is tested on Linux %s: %v", series, err)
			}
			if err != nil {
				t.Fatal(err)
			}
			runGuest(t, kernel, guest)
		})
	}
}

var (
	only    = flag.String("suite", "", "run only the suite of this package, say runtime")
	kernels = flag.String("kernels", strings.Join(Series, ","), "run on kernels of these series; others than these must lie in the cache")
)

// chosen returns the suites to run.
func chosen(t *testing.T) []Suite {
	t.Helper()
	if *only == "" {
		return Suites
	}
	i := slices.IndexFunc(Suites, func(s Suite) bool { return s.Package == *only })
	if i < 0 {
		t.Fatalf("-suite %s: there is no such suite", *only)
	}
	return Suites[i : i+1]
}

// runGuest runs all suites in one machine and reports each of their tests as a subtest.
func runGuest(t *testing.T, kernel *Kernel, guest *Guest) {
	outputs := make([]bytes.Buffer, len(guest.Jobs))
	start := time.Now()
	m := &Machine{
		Kernel:  kernel,
		Files:   guest.Files,
		Jobs:    guest.Jobs,
		Timeout: 55 * time.Minute,
		Output: func(ev wire.Event) {
			outputs[ev.Job].Write(ev.Data)
			if ev.Error != "" {
				outputs[ev.Job].WriteString(ev.Error + "\n")
			}
			if ev.Done {
				t.Logf("Linux %s: %s ended after %v", kernel.Release, guest.Suites[ev.Job].Package, time.Since(start).Round(time.Second))
			}
		},
	}
	res, err := m.Run(t.Context())
	if errors.Is(err, ErrUnavailable) {
		t.Skipf("SKIPPED: nothing is tested on Linux %s: %v", kernel.Release, err)
	}
	for i, s := range guest.Suites {
		exit := -1
		if res != nil {
			exit = res.Exits[i]
		}
		t.Run(s.Package, func(t *testing.T) { reportSuite(t, outputs[i].String(), exit) })
	}
	if err != nil {
		t.Error(err)
	}
}

// reportSuite makes a subtest of each test that ran in the guest.
func reportSuite(t *testing.T, out string, exit int) {
	results := ParseResults(out)
	failed := false
	for _, r := range results {
		t.Run(r.Name, func(t *testing.T) {
			switch r.Outcome {
			case "FAIL":
				failed = true
				t.Errorf("failed in the guest:\n%s", r.Output)
			case "SKIP":
				t.Skip(r.Output)
			}
		})
	}
	if exit != 0 && !failed {
		// A panic, a timeout or a crash: no test says so.
		t.Errorf("exit code %d; end of the output:\n%s", exit, tail(out, 8000))
	}
}
