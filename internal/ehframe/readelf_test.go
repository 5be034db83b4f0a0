package ehframe_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/ehframe"
	"github.com/gotrace/gotrace/internal/symbols"
)

// readelfRow is a row of readelf --debug-dump=frames-interp.
type readelfRow struct {
	pc           uint64
	cfa, rbp, ra string
	signal       bool
}

// readelfRows parses what readelf prints: for each CIE or FDE a head, the names of columns, and rows.
func readelfRows(t *testing.T, path string) (rows []readelfRow) {
	out, err := exec.Command("readelf", "--wide", "--debug-dump=frames-interp", path).Output()
	if len(out) == 0 { // warnings are errors to it, too
		t.Skipf("SKIPPED: no readelf that can read %s: %v", path, err)
	}
	signal := map[string]bool{} // by the CIE's offset
	var columns []string
	now, isFDE := "", false
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		words := strings.Fields(s.Text())
		switch {
		case len(words) < 2 || words[1] == "ZERO":
		case len(words) > 4 && words[3] == "CIE":
			now, isFDE = words[0], false
			signal[now] = strings.Contains(words[4], "S")
		case len(words) > 4 && words[3] == "FDE":
			now, isFDE = strings.TrimPrefix(words[4], "cie="), true
		case words[0] == "LOC":
			columns = words
		case isFDE && len(words) == len(columns):
			r := readelfRow{rbp: "u", signal: signal[now]}
			r.pc, err = strconv.ParseUint(words[0], 16, 64)
			if err != nil {
				continue
			}
			for i, c := range columns {
				switch c {
				case "CFA":
					r.cfa = words[i]
				case "rbp":
					r.rbp = words[i]
				case "ra":
					r.ra = words[i]
				}
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// agrees says whether a rule says the same as readelf. Where readelf only says that there is an expression, the kinds for those are right.
func (r *readelfRow) agrees(rule ehframe.Rule) bool {
	kind := rule.Kind()
	base, offset, _ := strings.Cut(r.cfa, "+")
	number, err := strconv.Atoi(offset)
	switch {
	case r.signal:
		return kind == ehframe.Signal
	case r.ra == "u":
		return kind == ehframe.End
	case r.cfa == "exp":
		return kind == ehframe.Deref && r.rbp == "exp" || kind == ehframe.PLT || kind == ehframe.Unsupported
	case r.ra != "c-8" || base != "rsp" && base != "rbp" || err != nil || number%8 != 0:
		return kind == ehframe.Unsupported
	case r.rbp == "exp" || strings.HasPrefix(r.rbp, "r") || strings.HasPrefix(r.rbp, "v"):
		return kind == ehframe.Unsupported
	}
	want := map[string]ehframe.Kind{"rsp": ehframe.StackBased, "rbp": ehframe.FrameBased}[base]
	saved := 0
	if rest, ok := strings.CutPrefix(r.rbp, "c"); ok {
		saved, err = strconv.Atoi(rest)
	}
	return err == nil && kind == want && rule.CFA() == number && rule.FramePointer() == saved
}

// The tables say the same as readelf, for what is installed here.
func TestReadelf(t *testing.T) {
	if _, err := exec.LookPath("readelf"); err != nil {
		t.Skip("SKIPPED: no readelf to compare with: apt-get install binutils")
	}
	var paths []string
	for _, pattern := range []string{"/bin/bash", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.*", "/usr/lib/x86_64-linux-gnu/libm.so.6", "/usr/bin/perl", "/usr/bin/readelf"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { compare(t, path) })
	}
}

func compare(t *testing.T, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer f.Close()
	frames, err := symbols.OpenFrames(f)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	rows, err := ehframe.Build(ehframe.Section{Data: frames.Data, Address: frames.Address, Base: frames.Base})
	if err != nil {
		t.Fatal(err)
	}
	other, unsupported := 0, 0
	list := readelfRows(t, path)
	for _, r := range list {
		pc := uint32(r.pc - frames.Base)
		i := sort.Search(len(rows), func(i int) bool { return rows[i].PC > pc }) - 1
		if rule := rows[i].Rule; !r.agrees(rule) {
			if other++; other < 10 {
				t.Errorf("%#x: %v, readelf says CFA %s, rbp %s, ra %s", r.pc, rule, r.cfa, r.rbp, r.ra)
			}
		} else if rule.Kind() == ehframe.Unsupported {
			unsupported++
		}
	}
	t.Logf("%d rows of readelf, %d of the table, %d with rules that it has no room for, %d other ones", len(list), len(rows), unsupported, other)
	if len(list) == 0 {
		t.Error("readelf says nothing")
	}
}
