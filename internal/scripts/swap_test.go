package scripts

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// swapKinds are the kinds of maps of TestKernelPrintAndEmpty, with what one update adds to the sum of what is printed.
var swapKinds = []struct {
	name, update string // M is the map
	adds         int
}{
	{"count", `M = count();`, 1},
	{"sum", `M = sum(3);`, 3},
	{"stats", `M = stats(3);`, 1},
	{"hist", `M = hist(3);`, 1},
	{"lhist", `M = lhist(3, 0, 10, 1);`, 1},
	{"incr", `M++;`, 1},
	{"fetch", `$n = M++; if ($n < 0) { print(1); }`, 1},
	{"add", `M += 5;`, 5},
}

var swapKeys = []struct{ name, key string }{{"none", ""}, {"int", "[1]"}, {"tuple", "[tid % 3, comm]"}, {"str", `[str("key")]`}}

// What eight threads count while an interval prints and empties the maps all the time is shown exactly once: the sum of what was
// printed, with what is left at the end and what was told to be lost, is the truth, for every kind of map. Each is updated by a tracepoint and by a uprobe,
// which can be preempted. A slow machine prints no oftener than a fast one.
func TestKernelPrintAndEmpty(t *testing.T) {
	needRoot(t)
	const threads, each, calls = 8, 5000, 500
	tool := &Tool{
		Path:     command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace"),
		Workload: workload(t),
		Timeout:  3 * timeout(),
	}
	for _, empty := range []string{"clear", "zero"} {
		t.Run(empty, func(t *testing.T) {
			var update, show strings.Builder
			want := map[string]int{}
			for _, kind := range swapKinds {
				for _, key := range swapKeys {
					name := kind.name + "_" + key.name
					want[name] = threads * (each + calls) * kind.adds
					fmt.Fprintln(&update, strings.ReplaceAll(kind.update, "M", "@"+name+key.key))
					fmt.Fprintf(&show, "print(@%s); %s(@%s);\n", name, empty, name)
				}
			}
			res, err := tool.Run(t.Context(), &Case{
				Name: t.Name(),
				Run:  fmt.Sprintf("threads %d lseek 999 1 %d, threads %d add 1 2 %d", threads, each, threads, calls),
				Script: fmt.Sprintf("tracepoint:syscalls:sys_enter_lseek /pid == cpid && (uint32)args.fd == 999/ { %s }\n"+
					"uprobe:%%WORKLOAD%%:wl_add { %s }\ninterval:ms:20 /@ticks < 15/ { @ticks++; %s }\n", &update, &update, &show),
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, res.Stderr)
			}
			got, prints := sums(res.Stdout)
			for _, m := range toldLost.FindAllStringSubmatch(res.Stderr, -1) {
				n, _ := strconv.Atoi(m[2]) // it is digits
				got[m[1]] += n * want[m[1]] / (threads * (each + calls))
			}
			for name, n := range want {
				if got[name] != n {
					t.Errorf("@%s: %d in %d parts, want %d", name, got[name], prints[name], n)
				}
			}
			if t.Failed() {
				t.Log(res.Stderr)
			}
		})
	}
}

// toldLost is the message about what the kernel had no memory for.
var toldLost = regexp.MustCompile(`map @(\w+) is full .*: (\d+) updates? w\w+ lost`)

var (
	shownMap    = regexp.MustCompile(`^@(\w+)(?:\[.*\])?: ?(.*)$`)
	shownNumber = regexp.MustCompile(`^(?:\{ )?(?:\.?count[ =]+)?(\d+)`)
	shownBucket = regexp.MustCompile(`^\[.*[\])] +(\d+) \|`)
)

// sums adds up what was printed of each map: numbers, the counts of stats() and those of the buckets of histograms.
func sums(out string) (sum, prints map[string]int) {
	sum, prints = map[string]int{}, map[string]int{}
	name := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		value := shownBucket.FindStringSubmatch(line)
		if m := shownMap.FindStringSubmatch(line); m != nil {
			name = m[1]
			prints[name]++
			value = shownNumber.FindStringSubmatch(m[2])
		}
		if value != nil {
			n, _ := strconv.Atoi(value[1]) // it is digits
			sum[name] += n
		}
	}
	return sum, prints
}
