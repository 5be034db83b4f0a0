package symbols

import (
	"bytes"
	"os"
	"testing"
)

// staticProgram is the program of the table of scripts that has static probes.
const staticProgram = "../scripts/testdata/bin/static"

func TestStaticProbes(t *testing.T) {
	found, err := StaticProbes(staticProgram)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(staticProgram)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, p := range found {
		names += p.Provider + ":" + p.Name + " "
		if _, err := b.FileOffset(p.Address); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if (p.Semaphore != 0) != (p.Name == "guarded") {
			t.Errorf("%s: semaphore %#x", p.Name, p.Semaphore)
		}
	}
	const want = `app:regs app:consts app:memory app:twice app:twice app:guarded app:guarded other:"quoted" other:floating other:nothing `
	if names != want {
		t.Errorf("got %s\nwant %s", names, want)
	}
}

func TestStaticProbesOfNothing(t *testing.T) {
	if found, err := StaticProbes("/proc/self/exe"); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := StaticProbes("/etc/passwd"); err == nil {
		t.Error("a text has static probes")
	}
}

// FuzzStaticProbes holds that no file stops the reader.
func FuzzStaticProbes(f *testing.F) {
	data, err := os.ReadFile(staticProgram)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := ParseStaticProbes(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, p := range found {
			if p.Name == "" {
				t.Error("a probe without a name")
			}
		}
	})
}
