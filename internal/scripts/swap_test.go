package scripts

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// swapKind is a kind of map of TestKernelPrintAndEmpty.
type swapKind struct {
	name, update string // M is the map; $n numbers all updates from 1
	declare      string // the map's kind, "" if it is not declared
	read         string // what the interval does with a map with keys before it prints it
	// want is what everything that was printed of the map and left at the end comes to, after so many updates.
	want func(updates int) int
	// join puts together what was printed; nil adds.
	join func(x, y int) int
}

func each(n int) func(int) int   { return func(updates int) int { return n * updates } }
func always(n int) func(int) int { return func(int) int { return n } }

// bad is no number that any of the maps holds.
const bad = -1 << 40

func same(x, y int) int {
	if x != y {
		return bad
	}
	return x
}

// swapKinds are in groups, because a probe may use 64 maps of the kernel.
var swapKinds = map[string][]swapKind{
	"additions": {
		{name: "count", update: `M = count();`, want: each(1)},
		{name: "sum", update: `M = sum(3);`, want: each(3)},
		{name: "stats", update: `M = stats(3);`, want: each(1)},
		{name: "hist", update: `M = hist(3);`, want: each(1)},
	},
	"more additions": {
		{name: "lhist", update: `M = lhist(3, 0, 10, 1);`, want: each(1)},
		{name: "incr", update: `M++;`, want: each(1)},
		{name: "fetch", update: `$v = M++; if ($v < 0) { print(1); }`, want: each(1)},
		{name: "add", update: `M += 5;`, want: each(5)},
	},
	"others": {
		{name: "max", update: `M = max($n);`, want: each(1), join: func(x, y int) int { return max(x, y) }},
		{name: "min", update: `M = min($n);`, want: always(1), join: func(x, y int) int { return min(x, y) }},
		{name: "avg", update: `M = avg(7);`, want: always(7), join: same},
		{name: "quantiles", update: `M = quantiles(3);`, want: each(1)},
		{name: "series", update: `M = tseries(2, 1s, 100, "sum");`, want: each(2)},
	},
	"kinds": {
		{name: "lru", update: `M++;`, declare: "lruhash(4000)", want: each(1)},
		{name: "percpu", update: `M = count();`, declare: "percpuhash(4000)", want: each(1)},
		{name: "percpulru", update: `M = sum(2);`, declare: "percpulruhash(4000)", want: each(2)},
		{name: "walked", update: `M++;`, read: `for ($kv : M) { if ($kv.1 < 0) { print($kv); } }`, want: each(1)},
		{name: "walkedsum", update: `M = sum(4);`, read: `for ($kv : M) { if ((int64)$kv.1 < 0) { print($kv); } }`, want: each(4)},
		{name: "length", update: `M = count();`, read: `if (len(M) > 100) { print(len(M)); }`, want: each(1)},
		{name: "histlength", update: `M = hist(9);`, read: `if (len(M) > 100) { print(len(M)); }`, want: each(1)},
	},
}

var swapKeys = []struct{ name, key string }{
	{"none", ""}, {"int", "[1]"}, {"tuple", "[tid % 3, comm]"}, {"nested", "[(tid % 2, (comm, (uint8)tid % 3))]"}, {"str", `[str("key")]`},
}

// What eight threads count while an interval prints and empties the maps all the time is shown exactly once: what was
// printed and what was told to be lost comes to the truth, for every kind of map. Each is updated by a tracepoint and by a uprobe,
// which can be preempted. A slow machine prints no oftener than a fast one.
func TestKernelPrintAndEmpty(t *testing.T) {
	needRoot(t)
	tool := &Tool{
		Path:     command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace"),
		Workload: workload(t),
		Timeout:  3 * timeout(),
	}
	for group, kinds := range swapKinds {
		for _, empty := range []string{"clear", "zero"} {
			t.Run(group+"/"+empty, func(t *testing.T) { printAndEmpty(t, tool, kinds, empty) })
		}
	}
}

func printAndEmpty(t *testing.T, tool *Tool, kinds []swapKind, empty string) {
	const threads, calls, adds = 8, 4000, 400
	const updates = threads * (calls + adds)
	var declare, update, show strings.Builder
	of := map[string]swapKind{}
	for _, kind := range kinds {
		for _, key := range swapKeys {
			if key.key == "" && kind.declare+kind.read != "" {
				continue
			}
			name := kind.name + "_" + key.name
			of[name] = kind
			if kind.declare != "" {
				fmt.Fprintf(&declare, "let @%s = %s;\n", name, kind.declare)
			}
			fmt.Fprintln(&update, strings.ReplaceAll(kind.update, "M", "@"+name+key.key))
			fmt.Fprintf(&show, "%s print(@%s); %s(@%s);\n", strings.ReplaceAll(kind.read, "M", "@"+name), name, empty, name)
		}
	}
	res, err := tool.Run(t.Context(), &Case{
		Name: t.Name(),
		Run:  fmt.Sprintf("threads %d lseek 999 1 %d, threads %d add 1 2 %d", threads, calls, threads, adds),
		Script: fmt.Sprintf("%stracepoint:syscalls:sys_enter_lseek /pid == cpid && (uint32)args.fd == 999/ { $n = ++@all; %s }\n"+
			"uprobe:%%WORKLOAD%%:wl_add { $n = ++@all; %s }\ninterval:ms:20 /@ticks < 12/ { @ticks++; %s }\n", &declare, &update, &update, &show),
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, res.Stderr)
	}
	printed := numbers(res.Stdout)
	for _, m := range toldLost.FindAllStringSubmatch(res.Stderr, -1) {
		n, _ := strconv.Atoi(m[2]) // it is digits
		if kind := of[m[1]]; kind.join == nil {
			printed[m[1]] = append(printed[m[1]], kind.want(n))
		}
	}
	for name, kind := range of {
		got, join := bad, kind.join
		if join == nil {
			join = func(x, y int) int { return x + y }
		}
		for i, n := range printed[name] {
			if i == 0 {
				got = n
			} else {
				got = join(got, n)
			}
		}
		if want := kind.want(updates); got != want {
			t.Errorf("@%s: %d of %d numbers, want %d", name, got, len(printed[name]), want)
		}
	}
	if t.Failed() {
		t.Log(res.Stderr)
	}
}

// toldLost is the message about an update that failed.
var toldLost = regexp.MustCompile(`map @(\w+)(?: is full .*| was just being changed)?: (\d+) updates? w\w+ lost`)

var (
	shownMap    = regexp.MustCompile(`^@(\w+)(?:\[.*\])?: ?(.*)$`)
	shownNumber = regexp.MustCompile(`^(?:\{ )?(?:\.?count[ =]+)?(\d+)`)
	shownBucket = regexp.MustCompile(`^\[.*[\])] +(\d+) \|`)
	shownPeriod = regexp.MustCompile(`^\d\d:\d\d:\d\d(?:\.\d+)? .*[|*] (\d+)$`) // the largest stands on the border
)

// numbers lists what was printed of each map: numbers, the counts of stats() and those of the buckets of histograms, the values of
// periods. What is 0 is left out: that is what zero() leaves of any map.
func numbers(out string) map[string][]int {
	list := map[string][]int{}
	name := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		value := shownBucket.FindStringSubmatch(line)
		if value == nil {
			value = shownPeriod.FindStringSubmatch(line)
		}
		if m := shownMap.FindStringSubmatch(line); m != nil {
			name = m[1]
			value = shownNumber.FindStringSubmatch(m[2])
		}
		if value == nil {
			continue
		}
		if n, _ := strconv.Atoi(value[1]); n != 0 { // it is digits
			list[name] = append(list[name], n)
		}
	}
	return list
}
