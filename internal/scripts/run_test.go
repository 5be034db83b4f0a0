package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// build compiles a command of this module into a directory that lives as long as the tests.
func build(t *testing.T, name, pkg string) string {
	t.Helper()
	out := filepath.Join(tempDir, name)
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, msg)
	}
	return out
}

// tempDir holds the built commands.
var tempDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "scripts-")
	if err != nil {
		panic(err)
	}
	tempDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// command returns the path that an environment variable gives (in the test machines), else a fresh build.
func command(t *testing.T, env, name, pkg string) string {
	t.Helper()
	if path := os.Getenv(env); path != "" {
		return path
	}
	builds.Lock()
	defer builds.Unlock()
	if builds.paths[name] == "" {
		builds.paths[name] = build(t, name, pkg)
	}
	return builds.paths[name]
}

var builds = struct {
	sync.Mutex
	paths map[string]string
}{paths: map[string]string{}}

func workload(t *testing.T) string {
	return command(t, "GOTRACE_WORKLOAD", "workload", "github.com/gotrace/gotrace/internal/scripts/workload")
}

// binaries gives the directory of the programs of testdata/bin.
func binaries(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(tempDir, "bin")
	if err := WriteBinaries(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// timeout is long in the test machines, where everything is emulated.
func timeout() time.Duration {
	if os.Getenv("GOTRACE_VM") != "" {
		return 90 * time.Second
	}
	return 20 * time.Second
}

func table(t *testing.T) []*Case {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// needRoot skips a test that only root can run.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: not root, so no script can run on this kernel")
	}
}

// skipMissing skips a case whose needs the kernel does not meet.
func skipMissing(t *testing.T, c *Case) {
	t.Helper()
	missing, err := Missing(c)
	if err != nil {
		t.Fatal(err)
	}
	if missing != "" {
		t.Skipf("SKIPPED: this kernel has no %s", missing)
	}
}

// newTool is gotrace with all that the scripts of the table run beside it.
func newTool(t *testing.T) *Tool {
	t.Helper()
	return &Tool{
		Path:     command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace"),
		Workload: workload(t),
		Binaries: binaries(t),
		Timeout:  timeout(),
	}
}

// TestKernel runs every script on the running kernel.
func TestKernel(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	for _, c := range table(t) {
		t.Run(c.Name, func(t *testing.T) {
			skipMissing(t, c)
			res, err := tool.Run(t.Context(), c)
			if err != nil {
				t.Fatalf("%s:%d: %v\n%s\nmessages:\n%s", c.File, c.Line, err, res.Stdout, res.Stderr)
			}
			if c.NotYet != "" {
				if res.Exit != 1 {
					t.Errorf("%s:%d: gotrace is said not to have %s, but it takes the script", c.File, c.Line, c.NotYet)
				}
				t.Skipf("SKIPPED: gotrace has no %s yet", c.NotYet)
			}
			if bad := tool.Check(c, res); bad != "" {
				t.Errorf("%s:%d: %s\nscript:\n%s", c.File, c.Line, bad, c.Script)
			}
		})
	}
}

// TestOracle runs every script under an installed bpftrace, which must print the same, or
// something else where the table says so.
func TestOracle(t *testing.T) {
	needRoot(t)
	path, err := exec.LookPath("bpftrace")
	if err != nil {
		t.Skip("SKIPPED: no bpftrace is installed to compare with: apt-get install bpftrace")
	}
	tool := &Tool{Path: path, Workload: workload(t), Binaries: binaries(t), Timeout: timeout()}
	for _, c := range table(t) {
		t.Run(c.Name, func(t *testing.T) {
			if c.OracleSkip != "" {
				t.Skipf("bpftrace cannot run it: %s", c.OracleSkip)
			}
			skipMissing(t, c)
			res, err := tool.Run(t.Context(), c)
			var bad string
			if err != nil {
				bad = err.Error() + "\n" + res.Stdout + res.Stderr
			} else {
				theirs := *c
				theirs.Stderr = nil // messages are each implementation's own
				theirs.Output = SortTies(tool.subst(theirs.Output))
				res.Stdout = SortTies(Normalize(res.Stdout))
				bad = tool.Check(&theirs, res)
			}
			switch {
			case bad != "" && c.OracleDiffers == "":
				t.Errorf("%s:%d: %s\nscript:\n%s", c.File, c.Line, bad, c.Script)
			case bad == "" && c.OracleDiffers != "":
				t.Errorf("%s:%d: bpftrace agrees, the table says it does not: %s", c.File, c.Line, c.OracleDiffers)
			}
		})
	}
}
