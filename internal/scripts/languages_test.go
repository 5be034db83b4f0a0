package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// languages are programs of languages whose compilers give functions other names than the source has.
var languages = []struct {
	name, file, source string
	compile            string // OUT, SOURCE
	list, listed       string // a pattern for -l, and a part of what it shows
	script, want       string
}{
	{
		name: "c++", file: "hello.cpp", compile: "g++ -g -O1 -o OUT SOURCE", list: "cpp:geo::*", listed: ":_ZN3geo5twiceIiEET_S1_",
		source: `namespace geo {
	struct point { int x, y; __attribute__((noinline)) int sum(int k) const { return x + y + k; } };
	__attribute__((noinline)) long add(long a, const long &b) { return a + b; }
	template <typename T> __attribute__((noinline)) T twice(T x) { asm volatile(""); return x + x; }
}
int main(int argc, char **argv) {
	geo::point p = {argc, 2};
	return geo::add(argc, p.sum(3)) + geo::twice(4) + geo::twice(5L) == 0;
}`,
		script: `uprobe:BIN:cpp:geo::add { printf("add %d %d\n", args.a, *args.b); }
uprobe:BIN:cpp:"geo::twice<int>" { printf("twice %d\n", args.x); }
uprobe:BIN:cpp:"geo::twice*" { @ = count(); }
uprobe:BIN:"geo::point::sum(int) const" { printf("sum %d\n", args.k); }
uretprobe:BIN:cpp:geo::point::sum { printf("is %d\n", retval); }`,
		want: "sum 3\nis 6\nadd 1 6\ntwice 4\n@: 2\n",
	},
	{
		name: "rust", file: "hello.rs", compile: "rustc -g -O -o OUT SOURCE", list: "rust:hello::fun*", listed: "hello",
		source: `mod shapes {
	pub struct Circle { pub r: i64 }
	pub trait Area { fn area(&self, k: i64) -> i64; }
	impl Area for Circle { #[inline(never)] fn area(&self, k: i64) -> i64 { std::hint::black_box(self.r * k) } }
	#[inline(never)] pub fn scale<T: Copy + std::ops::Add<Output = T>>(a: T, b: T) -> T { std::hint::black_box(a) + std::hint::black_box(b) }
}
#[inline(never)] fn fun1(a: i32, b: i64) -> i64 { std::hint::black_box(a as i64 + b) }
fn main() {
	use shapes::Area;
	let c = shapes::Circle { r: fun1(std::env::args().count() as i32 + 1, 5) };
	std::hint::black_box(c.area(3) + shapes::scale(4i64, 5) + shapes::scale(1u8, 2) as i64);
}`,
		script: `uprobe:BIN:rust:hello::fun1 { printf("fun1 %d\n", args.a); }
uretprobe:BIN:cpp:hello::fun1 { printf("is %d\n", retval); }
uprobe:BIN:rust:"hello::shapes::scale*" { @ = count(); }
uretprobe:BIN:"<hello::shapes::Circle as hello::shapes::Area>::area" { printf("area %d\n", retval); }`,
		want: "fun1 2\nis 7\narea 21\n@: 2\n",
	},
	{
		name: "d", file: "hello.d", compile: "gdc -g -o OUT SOURCE", list: "d:hello.fun*", listed: ":_D5hello4fun1Fi",
		source: `module hello;
struct Point { int x, y; int sum(int k) const { return x + y + k; } }
class Counter { int n; this(int s) { n = s; } int add(string s, int more) { return n += cast(int)s.length + more; } }
T twice(T)(T x) { return x + x; }
int fun1(int a, string s) { return a + cast(int)s.length; }
void main(string[] args) {
	auto c = new Counter(cast(int)args.length);
	auto p = Point(1, 2);
	int y = fun1(cast(int)args.length, "hello");
	y += twice(4) + cast(int)twice(5L) + c.add("abc", 1) + p.sum(1);
}`,
		script: `uprobe:BIN:d:hello.fun1 { printf("fun1 %d\n", args.a); }
uretprobe:BIN:hello.fun1 { printf("is %d\n", retval); }
uprobe:BIN:d:"hello.twice!(int).twice" { printf("twice %d\n", (int32)arg0); }
uprobe:BIN:d:"hello.twice*" { @ = count(); }
uprobe:BIN:"hello.Counter.add(immutable(char)[], int)" { @add = count(); }
uretprobe:BIN:d:hello.Point.sum { printf("sum %d\n", (int32)retval); }`,
		want: "fun1 1\nis 6\ntwice 4\nsum 4\n@: 2\n@add: 1\n",
	},
}

// TestKernelLanguages traces functions by the names that their source has, where the compilers are installed.
func TestKernelLanguages(t *testing.T) {
	needRoot(t)
	skipMissing(t, &Case{Needs: []string{"uprobe"}})
	tool := command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace")
	for _, tt := range languages {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			source, binary := filepath.Join(dir, tt.file), filepath.Join(dir, "hello")
			if err := os.WriteFile(source, []byte(tt.source), 0o600); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(strings.NewReplacer("OUT", binary, "SOURCE", source).Replace(tt.compile))
			if _, err := exec.LookPath(words[0]); err != nil {
				t.Skipf("SKIPPED: no %s here", words[0])
			}
			if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
				t.Skipf("SKIPPED: %s: %v: %s", words[0], err, out)
			}
			if out, err := exec.Command(tool, "-l", "uprobe:"+binary+":"+tt.list).CombinedOutput(); err != nil || !strings.Contains(string(out), tt.listed) {
				t.Errorf("-l %s: %v\n%s", tt.list, err, out)
			}
			cmd := exec.Command(tool, "-q", "-e", strings.ReplaceAll(tt.script, "BIN", binary), "-c", binary)
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.Output()
			if err != nil || Normalize(string(out)) != Normalize(tt.want) {
				t.Errorf("%v\n%s%s\nwant\n%s", err, out, errs.String(), tt.want)
			}
		})
	}
}
