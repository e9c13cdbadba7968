package bottest_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// chromium is a real browser, driven over a pipe by its DevTools protocol. What it
// complains about (a broken policy, a missing file) fails the test.
type chromium struct {
	t       *testing.T
	in      *os.File
	session string

	mu       sync.Mutex
	last     int
	answers  map[int]chan cdp
	loaded   chan struct{}
	problems []string
	hosts    []string
}

// cdp is a message of the protocol.
type cdp struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// browse opens a browser with somebody's cookies for an address. Where there is none
// the test is skipped; a missing browser in CI is a failure.
func browse(t *testing.T, at string, jar http.CookieJar) *chromium {
	t.Helper()
	name := ""
	for _, n := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(n); err == nil && name == "" {
			name = found
		}
	}
	if name == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no Chromium here: apt-get install chromium")
		}
		t.Skip("there is no Chromium here: apt-get install chromium")
	}
	c := &chromium{t: t, answers: map[int]chan cdp{}, loaded: make(chan struct{}, 8)}
	c.start(name)
	var target struct{ TargetID, SessionID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	c.session = target.SessionID
	for _, domain := range []string{"Page", "Log", "Runtime", "Network"} {
		c.call(domain+".enable", nil, nil)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range jar.Cookies(u) {
		c.call("Network.setCookie", map[string]any{"name": k.Name, "value": k.Value, "url": at, "httpOnly": true}, nil)
	}
	return c
}

func (c *chromium) start(name string) {
	c.t.Helper()
	theirs, in, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, answers, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.in = in
	cmd := exec.Command(name, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--disable-extensions", "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe", "--user-data-dir="+c.t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirs, answers}
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("start %s: %v", name, err)
	}
	_, _ = theirs.Close(), answers.Close()
	ended := make(chan struct{})
	go func() { defer close(ended); c.listen(out) }()
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_, _ = in.Close(), out.Close()
		<-ended
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, p := range c.problems {
			c.t.Errorf("the browser complains: %s", p)
		}
	})
}

// listen reads what the browser says until it is gone.
func (c *chromium) listen(out *os.File) {
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		raw, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m cdp
		if json.Unmarshal(bytes.TrimSuffix(raw, []byte{0}), &m) != nil {
			continue
		}
		c.mu.Lock()
		switch m.Method {
		case "":
			if wait := c.answers[m.ID]; wait != nil {
				wait <- m
				delete(c.answers, m.ID)
			}
		case "Page.loadEventFired":
			c.loaded <- struct{}{}
		case "Log.entryAdded", "Runtime.exceptionThrown":
			if !strings.Contains(string(m.Params), "Autofocus processing was blocked") { // said where a key came first
				c.problems = append(c.problems, string(m.Params))
			}
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			_ = json.Unmarshal(m.Params, &p)
			if u, err := url.Parse(p.Request.URL); err == nil && !slices.Contains(c.hosts, u.Host) {
				c.hosts = append(c.hosts, u.Host)
			}
		}
		c.mu.Unlock()
	}
}

// call sends a command and waits for its answer.
func (c *chromium) call(method string, params, into any) {
	c.t.Helper()
	wait := make(chan cdp, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.answers[id] = wait
	c.mu.Unlock()
	p, err := json.Marshal(params)
	if err != nil {
		c.t.Fatal(err)
	}
	if params == nil {
		p = []byte("{}")
	}
	raw, err := json.Marshal(cdp{ID: id, Session: c.session, Method: method, Params: p})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(raw, 0)); err != nil {
		c.t.Fatal(err)
	}
	select {
	case m := <-wait:
		if m.Error != nil {
			c.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if into != nil {
			if err := json.Unmarshal(m.Result, into); err != nil {
				c.t.Fatal(err)
			}
		}
	case <-time.After(60 * time.Second):
		c.t.Fatalf("the browser does not answer %s", method)
	}
}

// opens goes to a page and waits until it is there.
func (c *chromium) opens(address string) {
	c.t.Helper()
	c.arrives(func() { c.call("Page.navigate", map[string]any{"url": address}, nil) })
}

// arrives waits until what was done has led to a page.
func (c *chromium) arrives(by func()) {
	c.t.Helper()
	for len(c.loaded) > 0 {
		<-c.loaded
	}
	by()
	select {
	case <-c.loaded:
	case <-time.After(60 * time.Second):
		c.t.Fatal("the page does not come")
	}
}

// sized makes the window so wide; dark asks for dark colours.
func (c *chromium) sized(width, height int, dark bool) {
	c.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[dark]
	c.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
}

// visited is the hosts that anything was loaded from.
func (c *chromium) visited() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.hosts), func(h string) bool { return h == "" })
}

// printed shows pages as they come out of a printer.
func (c *chromium) printed() {
	c.t.Helper()
	c.sized(780, 1000, false)
	c.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
}

// eval is the value of an expression on the page.
func (c *chromium) eval(expression string, into any) {
	c.t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &out)
	if out.ExceptionDetails != nil {
		c.t.Fatalf("%s: %s", expression, out.ExceptionDetails.Text)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(out.Result.Value, into); err != nil {
		c.t.Fatalf("%s: %v", expression, err)
	}
}

// until waits until an expression is true.
func (c *chromium) until(expression string) {
	c.t.Helper()
	for began := time.Now(); ; {
		var yes bool
		if c.eval(expression, &yes); yes {
			return
		}
		if time.Since(began) > time.Minute {
			c.t.Fatalf("it never becomes true: %s", expression)
		}
	}
}

// press types a key, or a text.
func (c *chromium) press(key string) {
	c.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13}
	if codes[key] == 0 {
		c.call("Input.insertText", map[string]any{"text": key}, nil)
		return
	}
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	c.call("Input.dispatchKeyEvent", down, nil)
	c.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

// shoot keeps a picture of the page, from its top, where SCREENSHOTS names a directory.
func (c *chromium) shoot(name string) {
	c.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	var size []int
	c.eval(`[innerWidth, Math.min(document.documentElement.scrollHeight, 1600)]`, &size)
	clip := map[string]any{"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
	c.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true, "clip": clip}, &shot)
	raw, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), raw, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// fits fails the test if the page is wider than the window.
func (c *chromium) fits(what string) {
	c.t.Helper()
	var wide []string
	c.eval(`(() => { const w = document.documentElement.clientWidth; if (document.documentElement.scrollWidth <= w) return [];
		return [...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > w + 1).slice(0, 5).map(e => e.tagName + "." + e.className) })()`, &wide)
	if len(wide) > 0 {
		c.t.Errorf("%s is wider than the window: %s", what, strings.Join(wide, " "))
	}
}

// contrast fails the test for words that are hard to read against what is behind them.
func (c *chromium) contrast(what string) {
	c.t.Helper()
	var bad []string
	c.eval(`(() => { const rgb = s => s.match(/[\d.]+/g).map(Number); const lum = c => { const f = c.slice(0,3).map(v => { v /= 255; return v <= .03928 ? v/12.92 : ((v+.055)/1.055)**2.4 }); return .2126*f[0]+.7152*f[1]+.0722*f[2] };
		const behind = e => { for (; e; e = e.parentElement) { const b = rgb(getComputedStyle(e).backgroundColor); if (b.length < 4 || b[3] > 0) return b } return [255,255,255] };
		const out = new Set(); for (const e of document.querySelectorAll("body *")) { if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue; if (!e.checkVisibility()) continue;
		const a = lum(rgb(getComputedStyle(e).color)), b = lum(behind(e)); const r = (Math.max(a,b)+.05)/(Math.min(a,b)+.05); if (r < 4.5) out.add(e.tagName + "." + e.className + " " + r.toFixed(2)) } return [...out].slice(0, 8) })()`, &bad)
	if len(bad) > 0 {
		c.t.Errorf("%s is hard to read: %s", what, fmt.Sprint(bad))
	}
}
