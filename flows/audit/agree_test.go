package audit_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"breakglass/flows/audit"
)

// Two verifiers that disagree about a file are no two verifiers: whatever is done to an
// export, both call it good, or both bad.

const (
	agreeRandom = 600
	agreeSeed   = 17
)

// altered is an export that was altered, and what we say of it.
type altered struct {
	What string
	Text []byte
	ok   bool
	why  string
}

// drive runs verify.py over exports that come a line each, and remembers signatures.
const drive = `
import base64, contextlib, io, json, os, sys, tempfile
sys.path.insert(0, ".")
sys.dont_write_bytecode = True
import verify
real, known = verify.signed, {}
verify.signed = lambda *a: known[a] if a in known else known.setdefault(a, real(*a))
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "export")
    for line in sys.stdin:
        with open(path, "wb") as f:
            f.write(base64.b64decode(json.loads(line)["Text"]))
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                code = verify.main([path, sys.argv[1]])
        except (OSError, ValueError, KeyError, TypeError):
            code = 3
        print(code)
`

func TestVerifiersAgree(t *testing.T) {
	t.Parallel()
	bin := python(t)
	s, whole := withTail(t)
	all := append([]altered{{What: "whole", Text: []byte(whole)}}, slips(whole)...)
	rnd := rand.New(rand.NewPCG(agreeSeed, 1))
	for i := range agreeRandom {
		a := mangled(whole, rnd)
		a.What = fmt.Sprintf("%d: %s", i, a.What)
		all = append(all, a)
	}
	in := &bytes.Buffer{}
	for i := range all {
		a := &all[i]
		r, err := audit.Verify(t.Context(), audit.Exported(bytes.NewReader(a.Text)), audit.Options{Keys: s.keys(t)})
		if err != nil {
			a.why = err.Error()
		} else if a.ok = r.OK(); !a.ok {
			a.why = r.First().String()
		}
		if err := json.NewEncoder(in).Encode(a); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bin, "-c", drive, s.public)
	cmd.Stdin, cmd.Stderr = in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for said := bufio.NewScanner(bytes.NewReader(out)); said.Scan(); n++ {
		if a := all[n]; (said.Text() == "0") != a.ok || n == 0 && !a.ok {
			t.Errorf("%s: verify.py exits with %s, and we say %v %s", a.What, said.Text(), a.ok, a.why)
		}
	}
	if n != len(all) {
		t.Errorf("verify.py looked at %d of %d", n, len(all))
	}
}

// withTail is an export whose last entries nothing signs yet: what is done to these shows
// only in their form.
func withTail(t *testing.T) (*shelf, string) {
	t.Helper()
	s := newShelf(t).fill(t, 6, 4)
	s.write(t, "req_00000", "x", map[string]any{"l": []any{int64(1), "a"}, "n": int64(1), "t": true})
	s.write(t, "system", "erased", map[string]any{"openings": []any{"req_00000/1/facts.email"}})
	if n, err := s.Sequence(t.Context(), 2); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	return s, text(exported(t, s))
}

// slips are alterations that readers of JSON take differently.
func slips(whole string) []altered {
	out := []altered{
		{What: "empty", Text: []byte{}}, {What: "no last line feed", Text: []byte(strings.TrimSuffix(whole, "\n"))}, {What: "CRLF", Text: []byte(strings.ReplaceAll(whole, "\n", "\r\n"))},
		{What: "no beginning", Text: []byte(whole[strings.IndexByte(whole, '\n')+1:])},
		{What: "only a beginning", Text: []byte(whole[:strings.IndexByte(whole, '\n')+1])},
		{What: "no end", Text: []byte(whole[:strings.LastIndex(whole, `{"end"`)])}, {What: "twice", Text: []byte(whole + whole)},
	}
	erased := `"openings":["req_00000/1/facts.email"]`
	for _, w := range [][2]string{
		{`"v":1}`, `"v":1.0}`}, {`"v":1}`, `"v":true}`}, {`"v":1}`, `"v":0}`}, {`"v":1}`, `"v":2}`}, {"\n", "\r\n"}, {`"leaf":1,`, `"leaf":true,`}, {`"leaf":1,`, `"leaf":1.0,`},
		{`"openings":[`, `"x":1,"openings":[`}, {`],"entry"`, `],"x":0,"entry"`}, {`"path":`, `"about":"x","path":`}, {`"salt":"`, `"salt":" `}, {`"salt":"`, `"salt":"AA`},
		{`"end":true`, `"end":1`}, {`"entries":8`, `"entries":8.0`}, {`"end":true,"entries":8`, `"entries":8,"end":true`}, {`"checkpoint":"`, `"checkpoint":"\u0061`},
		{`"seq":1,`, `"seq":true,`}, {`"seq":1,`, `"seq":1.0,`}, {`"at":`, `"at":1.5,"au":`}, {`"at":`, `"as":`}, {`"verb":"x"`, `"verb":null`}, {`"verb":"x"`, `"verc":"x"`},
		{`"prev":"",`, ``}, {`"prev":""`, `"prev":null`}, {`"chain":"system"`, `"chain":null`}, {`"chain":"system"`, `"chain":""`}, {`"t":true`, `"t":NaN`}, {`"t":true`, `"t":1.5`},
		{`"t":true`, `"t":-0`}, {`"n":1`, `"n":99999999999999999999`}, {`"n":1`, `"n":-9223372036854775808`}, {`"n":1`, `"n":1e400`}, {`"t":true`, `"t":{"commit":"sha256:x"}`},
		{`"t":true`, `"t":{"commit":"sha256:x","z":1}`}, {`"t":true`, "\"t\":\"\x7f\u2028\""}, {`"t":true`, `"t":"\u007f"`}, {`"t":true`, `"t":"\ud800"`}, {`"v":1,"verb"`, `"v":0,"verb"`},
		{`"v":1,"verb"`, `"verb"`}, {erased, `"openings":null`}, {erased, `"openings":"req_00000/1/facts.email"`}, {`"facts":{` + erased + `}`, `"facts":[]`},
		{`"t":true`, `"t":` + strings.Repeat("[", 62) + strings.Repeat("]", 62)}, {`"t":true`, `"t":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)},
		{`"t":true`, `"t":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)}, {`"t":true`, `"t":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
	} {
		if i := strings.LastIndex(whole, w[0]); i >= 0 {
			out = append(out, altered{What: w[0] + " became " + w[1], Text: []byte(whole[:i] + w[1] + whole[i+len(w[0]):])})
		}
	}
	return out
}

// pieces are what a mangled export gets in the wrong places.
var pieces = []string{
	"1.0", "true", "null", "-0", "01", "NaN", "18446744073709551616", "\r", "\n", "\n\n", " ", ",", "}", "{", "]", "\"", "\\", "\\u0041", "\\/", "\\u000a", "\\ud800",
	"\x00", "\xff", "\xed\xa0\x80", "\ufeff", "\u2028", "\x0b", "\x1c", ",\"entry\":", "\"x\":1,", "\"\":0,", "— ", "A", "a", "0", "{\"commit\":\"sha256:00\"}", "{\"commit\":1}",
}

// mangled is an export with something done to it, most often where nothing is signed.
func mangled(whole string, rnd *rand.Rand) altered {
	tail := strings.Index(whole, `{"leaf":6`)
	p := rnd.IntN(len(whole))
	if rnd.IntN(3) > 0 {
		p = tail + rnd.IntN(len(whole)-tail)
	}
	piece := pieces[rnd.IntN(len(pieces))]
	switch rnd.IntN(4) {
	case 0:
		return altered{What: fmt.Sprintf("byte %d is gone", p), Text: []byte(whole[:p] + whole[p+1:])}
	case 1:
		return altered{What: fmt.Sprintf("%q at %d", piece, p), Text: []byte(whole[:p] + piece + whole[p:])}
	case 2:
		b := []byte(whole)
		b[p] = byte(rnd.IntN(256))
		return altered{What: fmt.Sprintf("byte %d is %q", p, b[p]), Text: b}
	}
	const ends = `,:{}[]"`
	from := strings.LastIndexAny(whole[:p], ends) + 1
	to := p + max(strings.IndexAny(whole[p:], ends), 0)
	return altered{What: fmt.Sprintf("%q for %q at %d", piece, whole[from:to], from), Text: []byte(whole[:from] + piece + whole[to:])}
}
