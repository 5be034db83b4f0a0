package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gotrace/gotrace/internal/browsertest"
)

// The report in a browser: its tables are sorted and filtered, its pictures answer to keys and the mouse, and its flame graph is the one of -f
// flamegraph.
func TestReportInBrowser(t *testing.T) {
	var out, stderr bytes.Buffer
	events(t, &out, &stderr)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	page := browsertest.Open(t, path, 1280, 900)
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	page.Eval(`window.section = name => [...document.querySelectorAll("section")].find(s => s.querySelector("h2").textContent === name)`)
	page.Eval(`window.mark = (name, selector, id) => { section(name).querySelector(selector).id = id; }`)
	expect("sections", page.Text(`[...document.querySelectorAll("h2")].map(h => h.textContent).join("|")`),
		"What was lost or failed|Values|@lat|@calls|@cpu|@most|@rec|@stat|@series|Log|Script|Probes")
	expect("title", page.Text("document.title"), "run.gt "+hostile)
	page.Screenshot("report-light", true)

	// Tables.
	cells := func() string {
		return page.Text(`[...section("@calls").querySelectorAll("tbody td:first-child")].map(c => c.textContent).join("|")`)
	}
	expect("the largest first", cells(), hostile+"|cat")
	page.Eval(`mark("@calls", "th:last-child button", "byValue")`)
	page.ClickOn("#byValue")
	expect("sorted down, beyond what a double holds", cells(), hostile+"|cat")
	page.ClickOn("#byValue")
	expect("sorted up", cells(), "cat|"+hostile)
	expect("aria-sort", page.Text(`section("@calls").querySelector("th:last-child").getAttribute("aria-sort")`), "ascending")
	page.Eval(`section("@calls").querySelector("thead button").focus()`)
	page.Key("Enter")
	expect("sorted by key, with the keyboard", cells(), hostile+"|cat")
	expect("a stack", page.Text(`section("@most").querySelector("summary").textContent + "/" + section("@most").querySelector("pre").textContent`), "vfs_read/sys_read")

	// A histogram over time.
	page.Eval(`mark("@lat", ".heat canvas", "heat")`)
	page.Eval(`document.getElementById("heat").focus()`)
	page.Key("ArrowDown", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp")
	expect("a cell", page.Text(`section("@lat").querySelector(".status").textContent`), "[512, 1K), 3.00 s: 3")
	page.Key("ArrowLeft", "Enter")
	expect("a column as bars", page.Text(`section("@lat").querySelector(".over figcaption").textContent`), hostile+", 2.00 s23 in all")
	page.Screenshot("report-heat", false)

	// What grows is shown by what each interval added.
	expect("a line", page.Text(`section("Values").querySelector("svg").getAttribute("aria-label")`), "@grows over time: from 0 to 100")
	page.Eval(`mark("Values", "input[type=checkbox]", "added")`)
	page.ClickOn("#added")
	expect("a line of totals", page.Text(`section("Values").querySelector("svg").getAttribute("aria-label")`), "@grows over time: from 100 to 300")

	// The flame graph.
	page.Eval(`mark("@cpu", "canvas", "graph")`)
	page.Eval(`document.getElementById("graph").focus()`)
	page.Key("ArrowDown", "ArrowDown", "ArrowDown")
	expect("frame", page.Text(`section("@cpu").querySelector(".what").textContent`), "main: 7, 77.78%")
	page.Key("Enter")
	expect("zoomed", page.Text(`section("@cpu").querySelector(".path").textContent`), "all›"+hostile+"›main")

	// The script's lines.
	expect("the place of what failed", page.Text(`section("What was lost or failed").querySelector("a").getAttribute("href")`), "#L2")
	expect("marked", page.Text(`document.querySelector("li.marked").textContent`), "tracepoint:syscalls:sys_enter_* { @calls[comm] = count(); }")
	expect("images", page.Text("document.images.length"), "0")

	light := page.Text("getComputedStyle(document.body).backgroundColor")
	page.Scheme("dark")
	if page.Text("getComputedStyle(document.body).backgroundColor") == light {
		t.Error("a dark system has a light page")
	}
	page.Eval("scrollTo(0, 0)")
	page.Screenshot("report-dark", true)
	page.Eval(`document.activeElement.blur()`)
	page.Key("t")
	expect("chosen", page.Text("getComputedStyle(document.body).backgroundColor"), light)
	page.Resize(390, 800)
	page.Drawn()
	page.Screenshot("report-small", true)
	if page.Eval("document.documentElement.scrollWidth > innerWidth") == true {
		t.Error("a small window has to be scrolled sideways")
	}
}
