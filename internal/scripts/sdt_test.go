package scripts

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var root = flag.String("root", "", "a folder with unpacked packages, whose programs and libraries are traced rather than those of this system")

// installed are programs and libraries of Debian packages that have static probes (sys/sdt.h), though not in each of its releases: libc since 13. PostgreSQL's server
// and libvirt have some, too; nodejs, perl, mariadb, qemu and glib have none.
var installed = []struct {
	name     string
	files    []string // patterns; the first file with the probe is taken
	probe    string
	language string // of source: "c", "cpp", "py", "java"
	source   string
	command  string // FILE, DIR (its folder), SOURCE, PROGRAM (the compiled source)
	script   string
	want     string
}{
	{
		name: "libc", files: []string{"/usr/lib/*/libc.so.6", "/usr/lib64/libc.so.6"}, probe: "libc:longjmp", language: "c",
		source: `#include <setjmp.h>
#include <malloc.h>
int main(void) {
	jmp_buf b;
	mallopt(M_MMAP_THRESHOLD, 300000);
	mallopt(M_PERTURB, 85);
	if (setjmp(b) == 0) longjmp(b, 7);
	return 0;
}`,
		command: "DIR/ld-linux-x86-64.so.2 --library-path DIR PROGRAM",
		script: `usdt:FILE:libc:longjmp { print(arg1); }
usdt:FILE:libc:memory_mallopt_mmap_threshold { print(arg0); }
usdt:FILE:memory_mallopt_p* { printf("%s %d\n", probe, arg0); }`,
		want: "300000\nusdt:FILE:libc:memory_mallopt_perturb 85\n7\n",
	},
	{
		name: "libstdc++", files: []string{"/usr/lib/*/libstdc++.so.6", "/usr/lib64/libstdc++.so.6"}, probe: "libstdcxx:catch", language: "cpp",
		source: `#include <stdexcept>
int main() {
	for (int i = 0; i < 3; i++)
		try { try { throw std::runtime_error("x"); } catch (...) { throw; } } catch (std::exception &) { }
	return 0;
}`,
		command: "PROGRAM",
		script:  `usdt:FILE:libstdcxx:* { @[probe, arg0 != 0 && arg1 != 0] = count(); }`,
		want: "@[usdt:FILE:libstdcxx:rethrow, true]: 3\n@[usdt:FILE:libstdcxx:throw, true]: 3\n" +
			"@[usdt:FILE:libstdcxx:catch, true]: 6\n",
	},
	{
		name: "ruby", files: []string{"/usr/lib/*/libruby-3*.so.3.*.*"}, probe: "ruby:cmethod__entry",
		command: "DIR/../../bin/ruby3* --disable-gems -e 'puts 5; p 6; p 7'",
		script:  `usdt:FILE:ruby:cmethod__entry /strcontains("puts p", str(arg1))/ { @[str(arg0), str(arg1), str(arg2)] = count(); }`,
		want:    "5\n6\n7\n@[IO, puts, -e]: 1\n@[Kernel, puts, -e]: 1\n@[Kernel, p, -e]: 2\n",
	},
	{
		name: "php", files: []string{"/usr/bin/php[5-9]*"}, probe: "php:function__entry",
		command: "FILE -n -r 'function foo($n) { return $n; } for ($i = 0; $i < 3; $i++) foo($i);'",
		script:  `usdt:FILE:php:function__entry { @[str(arg0), arg2] = count(); } usdt:FILE:php:request* { print(probe); }`,
		want:    "usdt:FILE:php:request__startup\nusdt:FILE:php:request__shutdown\n@[foo, 1]: 3\n",
	},
	{
		// Its probes are behind counters. (function__entry is not reached by most calls: 3.11 does not look at the counter there.)
		name: "python", files: []string{"/usr/bin/python3*", "/usr/lib/*/libpython3*.so.1.0"}, probe: "python:function__return", language: "py",
		source: "def alpha(n):\n    return beta(n)\ndef beta(n):\n    return n\nfor i in range(3): alpha(i)\n", command: "FILE SOURCE",
		script: `usdt:FILE:function__return /str(arg0) == "SOURCE"/ { @[str(arg1), arg2] = count(); }`,
		want:   "@[<module>, 5]: 1\n@[alpha, 2]: 3\n@[beta, 4]: 3\n",
	},
	{
		name: "hotspot", files: []string{"/usr/lib/jvm/*/lib/server/libjvm.so"}, probe: "hotspot:thread__start",
		command: "DIR/../../bin/java -version",
		script: `usdt:FILE:hotspot:vm__init__begin { @[0, "begin"] = count(); }
usdt:FILE:hotspot:thread__start /str(arg0, arg1 + 1) == "Signal Dispatcher"/ { @[arg4, "thread"] = count(); }`,
		want: "@[0, begin]: 1\n@[1, thread]: 1\n",
	},
}

// TestKernelInstalledSDT traces the static probes of what is installed here.
func TestKernelInstalledSDT(t *testing.T) {
	needRoot(t)
	skipMissing(t, &Case{Needs: []string{"uprobe"}})
	tool := command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace")
	for _, tt := range installed {
		t.Run(tt.name, func(t *testing.T) {
			file := ""
			for _, pattern := range tt.files {
				found, err := filepath.Glob(*root + pattern)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range found {
					if out, err := exec.Command(tool, "-l", "usdt:"+f+":"+tt.probe).Output(); file == "" && err == nil && strings.Contains(string(out), tt.probe) {
						file = f
					}
				}
			}
			if file == "" {
				t.Skipf("SKIPPED: nothing here has the probe %s (looked for in %s)", tt.probe, strings.Join(tt.files, " "))
			}
			dir := t.TempDir()
			source, program := filepath.Join(dir, "source."+tt.language), filepath.Join(dir, "program")
			if err := os.WriteFile(source, []byte(tt.source), 0o600); err != nil {
				t.Fatal(err)
			}
			if compiler := map[string]string{"c": "gcc", "cpp": "g++"}[tt.language]; compiler != "" {
				if out, err := exec.Command(compiler, "-o", program, source).CombinedOutput(); err != nil {
					t.Skipf("SKIPPED: no %s: %v: %s", compiler, err, lastOf(out))
				}
			}
			if words := strings.Fields(tt.command); strings.Contains(words[0], "*") {
				found, err := filepath.Glob(strings.ReplaceAll(words[0], "DIR", filepath.Dir(file)))
				if err != nil || len(found) == 0 {
					t.Skipf("SKIPPED: there is no %s: %v", words[0], err)
				}
				tt.command = strings.Replace(tt.command, words[0], found[0], 1)
			}
			fill := strings.NewReplacer("FILE", file, "DIR", filepath.Dir(file), "SOURCE", source, "PROGRAM", program).Replace
			switch {
			case *root != "" && tt.command == "PROGRAM": // which is linked with this system's
				tt.command = "DIR/ld-linux-x86-64.so.2 --library-path DIR PROGRAM"
			case *root != "" && !strings.HasPrefix(tt.command, "DIR/ld"):
				tt.command = "env LD_LIBRARY_PATH=" + *root + "/usr/lib/x86_64-linux-gnu " + tt.command
			}
			cmd := exec.Command(tool, "-q", "-e", fill(tt.script), "-c", fill(tt.command))
			cmd.Env = append(os.Environ(), "USE_ZEND_DTRACE=1") // PHP wants to be asked
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.Output()
			if err != nil || Normalize(string(out)) != Normalize(fill(tt.want)) {
				t.Errorf("%v\n%s%s\nwant\n%s", err, out, errs.String(), fill(tt.want))
			}
		})
	}
}
