package profile

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/internal/browsertest"
	"github.com/gotrace/gotrace/runtime/value"
)

// writePage writes the page of a profile to a file.
func writePage(t testing.TB, p *Profile) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WriteFlameGraph(f, p); err != nil {
		t.Fatal(err)
	}
	return path
}

// fromFolded makes a map of lines "comm;user;user;_kernel 5".
func fromFolded(p *Profile, name string, lines ...string) {
	m := &Map{Name: name, Types: []Type{{Unit: "count"}}, Keys: []string{"comm"}}
	for _, line := range lines {
		var n int64
		end := strings.LastIndexByte(line, ' ')
		fmt.Sscan(line[end:], &n)
		parts := strings.Split(line[:end], ";")
		s := Sample{Labels: parts[:1], Values: []int64{n}}
		for _, f := range parts[1:] {
			frame := Frame{value.Frame{Name: strings.TrimPrefix(f, "_")}, strings.HasPrefix(f, "_")}
			p.Frames = append(p.Frames, frame)
			if frame.Kernel {
				s.Kernel = append(s.Kernel, uint32(len(p.Frames)-1))
			} else {
				s.User = append(s.User, uint32(len(p.Frames)-1))
			}
		}
		m.Samples = append(m.Samples, s)
	}
	p.Maps = append(p.Maps, m)
}

const hostile = "</script><img src=x onerror=alert(1)>"

func small() *Profile {
	p := &Profile{Title: "cpu " + hostile}
	fromFolded(p, "before", "sh;main;read;_vfs_read 30", "sh;main;parse 50", "sh;main;run;leaf 20")
	fromFolded(p, "after", "sh;main;read;_vfs_read 60", "sh;main;parse 20", "sh;main;run;leaf 10", hostile+";main;parse 10")
	return p
}

// Each function of the page, in a browser: zoom, search, keys, inverting, comparing, keys as colours, themes.
func TestFlameGraphInBrowser(t *testing.T) {
	page := browsertest.Open(t, writePage(t, small()), 1100, 500)
	status := func() string { return page.Text(`document.querySelector(".what").textContent`) }
	found := func() string { return page.Text(`document.querySelector(".found").textContent`) }
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	page.Drawn()
	expect("all", status(), "all: 100, 100.00%")
	page.Screenshot("flame-light", false)

	// The frames of the first map from the top: all, sh, main, then parse, read, run by name.
	at := func(x float64, row int) {
		top := page.Eval(`document.querySelector("canvas").getBoundingClientRect().y`).(float64)
		page.Click(x*1100, top+18*float64(row)+9)
	}
	at(0.25, 3)
	expect("a click on parse", status(), "parse: 50, 50.00%")
	expect("path", page.Text(`document.querySelector(".path").textContent`), "all›sh›main›parse")
	page.Key("Escape")
	expect("all again", status(), "all: 100, 100.00%")

	page.Key("/")
	page.Type("^(read|vfs_)")
	expect("search", found(), "2 found, 30.00%")
	page.Screenshot("flame-search", false)
	page.Key("Enter")
	page.Key("Escape")
	expect("no search", found(), "")
	page.Key("/")
	page.Type("(")
	if page.Eval(`document.querySelector(".search").validity.valid`) != false {
		t.Error("( is said to be a regular expression")
	}
	page.Key("Enter")
	page.Key("Escape")

	page.Key("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight")
	expect("keys", status(), "read: 30, 30.00%")
	expect("heard", page.Text(`document.querySelector(".heard").textContent`), "read: 30, 30.00%")
	page.Key("Enter", "ArrowDown")
	expect("zoom by keys", status(), "vfs_read: 30, 30.00% (100.00% of what is shown)")
	page.Key("ArrowUp", "ArrowUp")
	expect("out again", status(), "main: 100, 100.00%")

	page.Key("Escape", "i", "ArrowDown", "ArrowDown")
	expect("inverted: what ran most", status(), "parse: 50, 50.00%")
	page.Key("ArrowDown")
	expect("inverted: its caller", status(), "main: 50, 50.00%")
	page.Screenshot("flame-inverted", false)
	page.Key("i", "o", "ArrowDown", "ArrowUp")
	expect("flipped", status(), "sh: 100, 100.00%")
	page.Screenshot("flame-flipped", false)
	page.Key("o")

	maps, against, keys := ".tools label:nth-of-type(1) select", ".tools label:nth-of-type(2) select", ".tools label:nth-of-type(3) select"
	page.Choose(maps, "1")
	page.Choose(against, "0")
	expect("compared", status(), "all: 100, 100.00%; +0.00 points against @before")
	page.Key("Escape")
	page.Choose(keys, "none")
	page.Key("ArrowDown", "ArrowDown", "ArrowDown")
	expect("more than before", status(), "read: 60, 60.00%; +30.00 points against @before")
	page.Screenshot("flame-compared", false)
	page.Choose(against, "")
	page.Choose(keys, "0")
	page.Key("ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft")
	expect("colours by comm", status(), "parse: 30, 30.00%; sh 66.67%, "+hostile+" 33.33%")
	page.Screenshot("flame-colours", false)

	dark := `getComputedStyle(document.body).backgroundColor`
	light := page.Text(dark)
	page.Scheme("dark")
	page.Drawn()
	if page.Text(dark) == light {
		t.Error("a dark system has a light page")
	}
	page.Choose(keys, "levels")
	page.Screenshot("flame-dark", false)
	page.Key("t")
	expect("the theme that was chosen", page.Text(dark), light)
	page.Resize(390, 700)
	page.Screenshot("flame-small", false)
	if page.Eval(`document.documentElement.scrollWidth > innerWidth`) == true {
		t.Error("a small window has to be scrolled sideways")
	}
	if page.Eval(`document.images.length`) != 0.0 {
		t.Error("a name has become markup")
	}
}

// grove is a profile of so many different stacks, as deep as those of real programs, from a few thousand functions.
func grove(stacks int) *Profile {
	r := rand.New(rand.NewPCG(1, 2))
	p := &Profile{Title: "many stacks"}
	for i := range 5000 {
		p.Frames = append(p.Frames, Frame{value.Frame{Addr: uint64(i), Name: fmt.Sprintf("package/of/functions.function%d", i)}, i >= 4000})
	}
	m := &Map{Types: []Type{{Unit: "count"}}, Keys: []string{"comm"}}
	var path []uint32
	for range stacks {
		keep := max(0, len(path)-1-int(6*r.ExpFloat64())) // stacks have much in common with their neighbours
		path = append([]uint32(nil), path[:keep]...)
		for depth := 15 + r.IntN(20); len(path) < depth; {
			path = append(path, uint32(r.IntN(4000)))
		}
		s := Sample{Labels: []string{"program" + fmt.Sprint(r.IntN(8))}, User: path, Values: []int64{1 + int64(100/(1+r.IntN(100)))}}
		if r.IntN(3) == 0 {
			s.Kernel = []uint32{4000 + uint32(r.IntN(1000)), 4000 + uint32(r.IntN(1000))}
		}
		m.Samples = append(m.Samples, s)
	}
	p.Maps = []*Map{m}
	return p
}

// A hundred thousand stacks.
func TestManyStacksInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: takes some seconds")
	}
	path := writePage(t, grove(100_000))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	const width, height, row = 1400, 900, 18
	page := browsertest.Open(t, path, width, height)
	page.Drawn()
	t.Logf("%d bytes; opened with the browser in %v", info.Size(), time.Since(start))
	page.Screenshot("flame-many", false)
	// What is drawn at once is bounded by the window, not by the stacks: a rectangle a pixel of each row.
	page.Eval(`(() => { const p = CanvasRenderingContext2D.prototype, fill = p.fillRect; window.rects = 0; p.fillRect = function (...a) { rects++; return fill.apply(this, a); }; })()`)
	step := func(what string, do func()) {
		t.Helper()
		page.Eval("rects = 0")
		start := time.Now()
		do()
		page.Drawn()
		drawn := page.Eval("rects").(float64)
		t.Logf("%s: %v, %g rectangles", what, time.Since(start), drawn)
		if drawn == 0 || drawn > width*height/row {
			t.Errorf("%s: %g rectangles are drawn", what, drawn)
		}
	}
	top := page.Eval(`document.querySelector("canvas").getBoundingClientRect().y`).(float64)
	step("zoom", func() { page.Click(300, top+18*2+9) })
	page.Screenshot("flame-many-zoomed", false)
	step("zoom in again", func() { page.Click(300, top+18*6+9) })
	step("out", func() { page.Key("Escape") })
	step("move", func() { page.Key("ArrowDown") })
	step("hover", func() {
		page.Eval(fmt.Sprintf(`document.querySelector("canvas").dispatchEvent(new MouseEvent("mousemove", {clientX: 200, clientY: %g}))`, top+60))
	})
	step("search", func() { page.Key("/"); page.Type("1") })
	page.Key("Enter", "Escape")
	step("invert", func() { page.Key("i") })
	page.Screenshot("flame-many-inverted", false)
	step("zoom inverted", func() { page.Click(300, top+18*1+9) })
	step("back", func() { page.Key("i") })
	step("colours by keys", func() { page.Choose(".tools label:nth-of-type(3) select", "0") })
	page.Screenshot("flame-many-colours", false)
}
