package vmtest

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/gotrace/gotrace/internal/vmtest/wire"
)

// module is the path of this module.
const module = "github.com/gotrace/gotrace"

// Suite is the tests of a package that run in a test machine.
type Suite struct {
	Package string   // path within the module
	Args    []string // flags of the test binary
	Files   []string // paths within the module that its tests read beside its testdata
}

// Suites are the packages whose tests need a kernel. The order is that of the layers, so
// that the first failure is the nearest to its cause.
var Suites = []Suite{
	{Package: "codegen/internal/emit", Args: []string{"-test.skip=TestIslands|TestRandomSim|TestSwaps"}}, // those need no kernel
	{Package: "codegen", Args: []string{"-test.run=TestKernel"}},
	{Package: "probes"},
	{Package: "runtime"},
	{Package: "internal/scripts", Args: []string{"-test.run=TestKernel"}, Files: []string{"docs/output.schema.json", "docs/language.md"}},
	{Package: "internal/scriptgen"},
	{Package: "internal/interp", Args: []string{"-test.run=TestKernelValues", "-scripts=50"}},
	{Package: "cmd/gotrace", Files: []string{"README.md"}},
}

// Guest is everything that the suites need, built once for all kernels.
type Guest struct {
	Files  []File
	Suites []Suite // those with tests
	Jobs   []wire.Job
}

// BuildGuest compiles the suites, the gotrace command and the workload into dir.
func BuildGuest(dir string, suites []Suite) (*Guest, error) {
	g := &Guest{}
	for name, pkg := range map[string]string{"gotrace": "cmd/gotrace", "workload": "internal/scripts/workload"} {
		bin, err := Build(dir, name, module+"/"+pkg)
		if err != nil {
			return nil, err
		}
		g.Files = append(g.Files, File{Name: "/bin/" + name, Path: bin})
	}
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	for _, s := range suites {
		if err := g.addSuite(dir, root, s); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// addSuite adds a test binary, its testdata and the job that runs it. A package without tests adds nothing.
func (g *Guest) addSuite(dir, root string, s Suite) error {
	name := path.Base(s.Package) + ".test"
	bin, err := BuildTest(dir, name, module+"/"+s.Package)
	if err != nil || bin == "" {
		return err
	}
	work := path.Join("/root", s.Package)
	exe := path.Join(work, name)
	g.Files = append(g.Files, File{Name: exe, Path: bin})
	if err := g.addTree(filepath.Join(root, s.Package, "testdata"), path.Join(work, "testdata")); err != nil {
		return err
	}
	for _, name := range s.Files {
		g.Files = append(g.Files, File{Name: path.Join("/root", name), Path: filepath.Join(root, name)})
	}
	g.Suites = append(g.Suites, s)
	g.Jobs = append(g.Jobs, wire.Job{
		Argv: append([]string{exe, "-test.v", "-test.timeout=49m"}, s.Args...),
		Env:  []string{"GOTRACE_VM=1", "GOTRACE=/bin/gotrace", "GOTRACE_WORKLOAD=/bin/workload"},
		Dir:  work,
		// A little less than the machine has, so that the guest can still report.
		Timeout: 50 * time.Minute,
	})
	return nil
}

// addTree adds the files below a directory of the host, if it is there.
func (g *Guest) addTree(host, guest string) error {
	return filepath.WalkDir(host, func(p string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(host, p)
		if err != nil {
			return err
		}
		g.Files = append(g.Files, File{Name: path.Join(guest, filepath.ToSlash(rel)), Path: p})
		return nil
	})
}

// moduleRoot is the directory of go.mod, above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}
