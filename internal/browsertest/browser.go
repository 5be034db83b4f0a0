// Package browsertest tries pages in a Chromium without a window, by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol)
// over a pipe. Tests are skipped where no Chromium is installed.
package browsertest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Page is an open page. Mistakes of its scripts fail the test when it ends.
type Page struct {
	t       *testing.T
	in      io.WriteCloser
	session string

	mu      sync.Mutex
	last    int
	answers map[int]chan message
	errors  []string
	gone    error
}

// message is an answer or an event.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// patience is how long anything may take.
const patience = 30 * time.Second

var programs = []string{"chromium", "chromium-browser", "google-chrome", "chrome"}

// Open opens a file in a window of this size.
func Open(t *testing.T, path string, width, height int) *Page {
	t.Helper()
	exe := ""
	for _, name := range programs {
		if found, err := exec.LookPath(name); err == nil {
			exe = found
			break
		}
	}
	if exe == "" {
		t.Skip("SKIPPED: no Chromium is installed (apt-get install chromium)")
	}
	p := start(t, exe)
	var target struct{ TargetID string }
	p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	p.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(domain+".enable", nil, nil)
	}
	p.Resize(width, height)
	p.Scheme("light")
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	p.call("Page.navigate", map[string]any{"url": "file://" + abs}, nil)
	p.Wait(`document.readyState === "complete" && location.protocol === "file:"`)
	return p
}

// start starts a browser that ends with the test.
func start(t *testing.T, exe string) *Page {
	t.Helper()
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--force-color-profile=srgb", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // descriptors 3 and 4, as the protocol has it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	p := &Page{t: t, in: in, answers: map[int]chan message{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read(out)
	}()
	t.Cleanup(func() {
		p.session = ""
		_ = p.try("Browser.close", nil, nil) // what does not answer is killed
		in.Close()
		end := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // its exit code says nothing of the page
		end.Stop()
		<-done
		out.Close()
		for _, e := range p.errors {
			t.Errorf("the page: %s", e)
		}
	})
	return p
}

// read takes what the browser says until it ends.
func (p *Page) read(out io.Reader) {
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		p.mu.Lock()
		if err != nil {
			p.gone = fmt.Errorf("the browser has ended: %w", err)
			for id, ch := range p.answers {
				close(ch)
				delete(p.answers, id)
			}
			p.mu.Unlock()
			return
		}
		var m message
		if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
			p.errors = append(p.errors, "a message that is no JSON: "+err.Error())
		} else {
			p.take(&m)
		}
		p.mu.Unlock()
	}
}

// take takes one message.
func (p *Page) take(m *message) {
	switch m.Method {
	case "":
		if ch := p.answers[m.ID]; ch != nil {
			ch <- *m
			delete(p.answers, m.ID)
		}
	case "Runtime.exceptionThrown", "Log.entryAdded":
		p.errors = append(p.errors, string(m.Params))
	case "Runtime.consoleAPICalled":
		p.errors = append(p.errors, "console: "+string(m.Params))
	}
}

func (p *Page) call(method string, params, result any) {
	p.t.Helper()
	if err := p.try(method, params, result); err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
}

func (p *Page) try(method string, params, result any) error {
	p.mu.Lock()
	if p.gone != nil {
		p.mu.Unlock()
		return p.gone
	}
	p.last++
	ch := make(chan message, 1)
	p.answers[p.last] = ch
	request := map[string]any{"id": p.last, "method": method}
	p.mu.Unlock()
	if params != nil {
		request["params"] = params
	}
	if p.session != "" {
		request["sessionId"] = p.session
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(text, 0)); err != nil {
		return err
	}
	select {
	case m, ok := <-ch:
		switch {
		case !ok:
			return errors.New("the browser has ended")
		case m.Error != nil:
			return errors.New(m.Error.Message)
		case result != nil:
			return json.Unmarshal(m.Result, result)
		}
		return nil
	case <-time.After(patience):
		return errors.New("no answer")
	}
}

// Eval is the value of an expression in the page.
func (p *Page) Eval(expression string) any {
	p.t.Helper()
	var out struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &out)
	if e := out.ExceptionDetails; e != nil {
		p.t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	return out.Result.Value
}

// Text is the value of an expression as text.
func (p *Page) Text(expression string) string {
	p.t.Helper()
	return fmt.Sprint(p.Eval(expression))
}

// Wait waits until an expression is true.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; {
		if p.Eval("Boolean("+expression+")") == true {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("never true: %s", expression)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Drawn waits until what was asked to be drawn is.
func (p *Page) Drawn() {
	p.t.Helper()
	p.Eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
}

// Click clicks at a place of the window.
func (p *Page) Click(x, y float64) {
	p.t.Helper()
	for _, kind := range []string{"mouseMoved", "mousePressed", "mouseReleased"} {
		params := map[string]any{"type": kind, "x": x, "y": y}
		if kind != "mouseMoved" {
			params["button"], params["clickCount"] = "left", 1
		}
		p.call("Input.dispatchMouseEvent", params, nil)
	}
	p.Drawn()
}

// ClickOn clicks at the middle of an element, or at a part of its width and height.
func (p *Page) ClickOn(selector string, at ...float64) {
	p.t.Helper()
	x, y := 0.5, 0.5
	if len(at) == 2 {
		x, y = at[0], at[1]
	}
	where, ok := p.Eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.x + r.width * %g, r.y + r.height * %g] })()`,
		selector, x, y)).([]any)
	if !ok {
		p.t.Fatalf("no place of %s", selector)
	}
	p.Click(where[0].(float64), where[1].(float64))
}

// keyCodes are those of keys that make no character (Windows' virtual key codes, which the protocol has).
var keyCodes = map[string]int{"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}

// Key presses keys, one after the other: names, or characters.
func (p *Page) Key(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		down := map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": keyCodes[key]}
		if keyCodes[key] == 0 {
			down["text"] = key
		} else if key == "Enter" {
			down["text"] = "\r"
		}
		p.call("Input.dispatchKeyEvent", down, nil)
		p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": keyCodes[key]}, nil)
	}
	p.Drawn()
}

// Type types a text where the focus is.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.call("Input.insertText", map[string]any{"text": text}, nil)
	p.Drawn()
}

// Choose chooses a value of a select.
func (p *Page) Choose(selector, value string) {
	p.t.Helper()
	p.Eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event("change")); })()`, selector, value))
	p.Drawn()
}

// Resize makes the window as large as this.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// Scheme says which colours the system prefers: "light" or "dark".
func (p *Page) Scheme(name string) {
	p.t.Helper()
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": name}}}, nil)
}

// Screenshot writes a picture of the window to the folder that GOTRACE_SCREENSHOTS names; without it none is made. With whole it is of all the
// page.
func (p *Page) Screenshot(name string, whole bool) {
	p.t.Helper()
	dir := os.Getenv("GOTRACE_SCREENSHOTS")
	if dir == "" {
		return
	}
	p.Drawn()
	var out struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &out)
	data, err := base64.StdEncoding.DecodeString(out.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
