package binpath

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/symbols/symbolstest"
)

func TestFindBinaries(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"prog": string(symbolstest.ELF()), "libmine.so.2": string(symbolstest.ELF()), "text": "text"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("LD_LIBRARY_PATH", dir)
	t.Chdir(dir)
	if err := os.Mkdir("x", 0o700); err != nil {
		t.Fatal(err)
	}
	f := &Finder{Arch: runtime.GOARCH}
	for name, want := range map[string]string{
		dir + "/prog": dir + "/prog", "./prog": "./prog", "./x/../prog": "./x/../prog", "prog": dir + "/prog",
		"libmine": dir + "/libmine.so.2", "libmine.so.2": dir + "/libmine.so.2",
		dir + "/pr*": dir + "/prog", "./pr*": "./prog", "../*/prog": "../" + filepath.Base(dir) + "/prog", "libnone": "", "text": "", dir + "/none": "", dir + "/te*": "",
	} {
		if runtime.GOARCH != "amd64" && !strings.Contains(name, "/") {
			continue // the sample is for amd64
		}
		got, err := f.Find(name)
		if want == "" {
			if err == nil {
				t.Errorf("%s is %v", name, got)
			}
			continue
		}
		if err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %v, %v; want %s", name, got, err, want)
		}
	}
}

func TestInRoot(t *testing.T) {
	root := t.TempDir()
	for _, d := range []string{"/usr/bin", "/etc/alternatives"} {
		if err := os.MkdirAll(root+d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"/bin": "usr/bin", "/usr/bin/awk": "/etc/alternatives/awk", "/etc/alternatives/awk": "/usr/bin/mawk",
		"/up": "../../../usr/bin", "/loop": "/loop",
	} {
		if err := os.Symlink(to, root+link); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/bin/mawk": "/usr/bin/mawk", "/bin/awk": "/usr/bin/mawk", "/up/mawk": "/usr/bin/mawk", "/none/x": "/none/x",
		"/../../usr/bin/x": "/usr/bin/x", root + "/bin/x": "/usr/bin/x",
	} {
		if got, err := inRoot(root, path); err != nil || got != root+want {
			t.Errorf("%s is %s, %v; want %s", path, got, err, root+want)
		}
	}
	if got, err := inRoot(root, "/loop/x"); err == nil {
		t.Errorf("a loop of links is %s", got)
	}
	if got, err := inRoot("", "/loop/x"); err != nil || got != "/loop/x" {
		t.Errorf("%s, %v", got, err)
	}
}
