package symbolizer

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// separate builds the program, and takes its symbols and debugging information out of it by a shell script that knows $program and $debug.
func separate(t *testing.T, script string) (path string) {
	t.Helper()
	path = compile(t, "-O0", "-Wl,--build-id")
	debug := filepath.Join(filepath.Dir(path), "separate")
	cmd := exec.Command("sh", "-e", "-c", "mkdir -p $debug; cd $(dirname $program); "+script)
	cmd.Env = append(os.Environ(), "program="+path, "debug="+debug)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no objcopy, readelf or xz: %v: %s", err, msg)
	}
	return path
}

// Symbols and lines of programs that were stripped come from a separate file of the same build, or from the small one within the program.
func TestSeparate(t *testing.T) {
	lines := []string{"first+4@program.c:4", "second+4@program.c:5", "main+4@program.c:6"}
	names := []string{"first+4", "second+4", "main+4"}
	const take = "objcopy --only-keep-debug program $debug/x; strip program; "
	for name, c := range map[string]struct {
		script string
		want   []string
	}{
		"build id": {take + "id=$(readelf -n program | sed -n 's/.*Build ID: //p'); d=$debug/.build-id/$(echo $id | cut -c1-2); mkdir -p $d; " +
			"mv $debug/x $d/$(echo $id | cut -c3-).debug", lines},
		"directory":       {take + "mv $debug/x $debug/program.debug", lines},
		"link":            {take + "mkdir .debug; mv $debug/x .debug/linked; cp .debug/linked .; objcopy --add-gnu-debuglink=linked program; rm linked", lines},
		"link beside":     {take + "mv $debug/x linked; objcopy --add-gnu-debuglink=linked program", lines},
		"compressed":      {"objcopy --compress-debug-sections program; " + take + "mv $debug/x linked; objcopy --add-gnu-debuglink=linked program", lines},
		"only lines":      {"objcopy --only-keep-debug program $debug/program.debug; objcopy --strip-debug program", lines},
		"gnu_debugdata":   {"objcopy -S --keep-symbol=first --keep-symbol=second --keep-symbol=main program mini; strip program; xz -f mini; objcopy --add-section .gnu_debugdata=mini.xz program", names},
		"of another":      {take + "objcopy --remove-section .note.gnu.build-id $debug/x linked; objcopy --add-gnu-debuglink=linked program; echo >> linked; objcopy --remove-section .note.gnu.build-id program", nil},
		"broken":          {"strip program; head -c 3000 /dev/urandom > x.xz; objcopy --add-section .gnu_debugdata=x.xz program", nil},
		"another's build": {"echo 'int main(void) { return 0; }' > y.c; gcc -g -o y y.c; strip program; mv y $debug/program.debug", nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := separate(t, c.script)
			p := start(t, path)
			s := New(Options{Lines: true, DebugInfo: []string{filepath.Join(filepath.Dir(path), "separate")}})
			defer s.Close()
			got := p.names(s.See(p.pid(), Now, p.addrs[:]...))
			if c.want == nil {
				c.want = []string{"+0", "+0", "+0"}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
