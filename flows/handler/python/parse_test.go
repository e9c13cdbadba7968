package python

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is the errors of a source, one a line.
func told(src string) string {
	_, errs := Parse([]byte(src))
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "%d:%d %s", e.Line, e.Col, e.Message)
		if e.Hint != "" {
			fmt.Fprintf(&b, " (%s)", e.Hint)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, src, want string }{
		{"missing colon", "if x\n    y\n", "1:5 expected \":\" after if, found the end of the line\n"},
		{"assignment for comparison", "if x = 1:\n    y\n", "1:6 expected \":\" after if, found \"=\" (to compare, write ==)\n"},
		{"no body", "def f():\nx = 1\n", "2:1 def has no body (indent the next line, or write pass)\n"},
		{"two errors", "x = \ny = 1\nz = )\n", "3:5 \")\" closes nothing\n1:5 expected an expression, found the end of the line\n3:5 expected an expression, found \")\"\n"},
		{"never closed", "f(1,\n  2\n", "1:2 \"(\" is never closed\n3:1 expected \")\" after the arguments, found the end of the line\n"},
		{"string never closed", "x = 'abc\ny = 1\n", "1:5 this string is never closed (close it with ')\n"},
		{"word quotes", "x = “a”\n", "1:5 \"“\" does not belong here (write plain quotes: \" or ')\n1:7 \"”\" does not belong here (write plain quotes: \" or ')\n"},
		{"python 2 print", "print x\n", "1:7 \"x\" does not belong here (write print(…))\n"},
		{"match", "match x:\n    case 1:\n        pass\n", "1:7 \"x\" does not belong here (write if and elif)\n"},
		{"walrus", "if (n := 1):\n    pass\n", "1:7 := is not supported (write the assignment on a line of its own)\n"},
		{"yield", "def f():\n    yield 1\n", "2:5 yield is not supported (collect the values in a list and return it)\n"},
		{"async", "async def f():\n    pass\n", "1:1 async is not supported (write it without async and await)\n"},
		{"indented", "x = 1\n    y = 2\n", "2:5 this line is indented more than the one above it (move it to the left, or put a line that ends in : above it)\n"},
		{"indented like nothing", "if x:\n        a\n    b\n", "3:5 this line is indented like no line above it (line it up with the line it belongs to)\n3:5 this line is indented more than the one above it (move it to the left, or put a line that ends in : above it)\n"},
		{"else alone", "else:\n    x\n", "1:1 \"else\" belongs to nothing above it (line it up with the statement it belongs to)\n"},
		{"keyword as a name", "def class():\n    pass\n", "1:5 expected a name after def, found \"class\" (take another name)\n"},
		{"assign to a call", "f() = 1\n", "1:1 nothing can be assigned to this (to compare, write ==)\n"},
		{"octal", "x = 017\n", "1:5 \"017\" is not a number (octal numbers begin with 0o)\n"},
		{"number", "x = 1__0\n", "1:5 \"1__0\" is not a number (put single underscores between digits)\n"},
		{"f-string empty", "x = f'a{}'\n", "1:9 an f-string has empty braces (write {{}} for braces)\n"},
		{"f-string open", "x = f'a{b'\n", "1:9 this { is never closed (close it with }, or write {{ for a brace)\n"},
		{"f-string brace", "x = f'a}b'\n", "1:8 this } closes nothing (write }} for a brace)\n"},
		{"f-string inside", "x = f'é{a +}'\n", "1:12 expected an expression, found the end of the file\n"},
		{"escape", `x = '\N{DASH}'` + "\n", "1:5 \\N{…} is not supported; write the character itself\n"},
		{"bytes and text", "x = b'a' 'b'\n", "1:10 bytes and text cannot be joined\n"},
		{"not UTF-8", "x = '\xff'\n", "1:5 this string is not UTF-8 (save the file as UTF-8)\n"},
		{"wrong pair", "x = (1]\n", "1:7 expected \")\" after the expression, found \"]\"\n"},
		{"exclamation mark", "if !x:\n    pass\n", "1:4 \"!\" does not belong here (write not x, or x != y)\n"},
		{"good after bad", "def f(:\n    x = (\ny = 1\n", "2:9 \"(\" is never closed\n1:7 expected a parameter, found \":\"\n"},
		{"fine", "x = 1 # ü\n\n\tif\n" + "", "3:2 this line is indented more than the one above it (move it to the left, or put a line that ends in : above it)\n3:4 expected an expression, found the end of the line\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, told(c.src)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"parentheses": "x = " + strings.Repeat("(", 50_000),
		"lists":       "x = " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"not":         "x = " + strings.Repeat("not ", 10_000) + "y",
		"minus":       "x = " + strings.Repeat("-", 50_000) + "y",
		"power":       "x = " + strings.Repeat("a**", 10_000) + "y",
		"sum":         "x = a" + strings.Repeat("+a", 50_000),
		"attributes":  "x = a" + strings.Repeat(".a", 50_000),
		"calls":       "x = a" + strings.Repeat("()", 50_000),
		"and":         "x = a" + strings.Repeat(" and a", 20_000),
		"comparisons": "x = a" + strings.Repeat("<a", 50_000),
		"conditions":  "x = " + strings.Repeat("a if b else ", 5_000) + "c",
		"lambdas":     "x = " + strings.Repeat("lambda: ", 10_000) + "c",
		"elif":        "if a: b\n" + strings.Repeat("elif a: b\n", 5_000),
		"blocks":      blocks(1000),
		"clauses":     "x = [a " + strings.Repeat("for a in b ", 5000) + "]",
		"f-strings":   "x = " + strings.Repeat("f'{", 1000) + "a" + strings.Repeat("}'", 1000),
		"specs":       "x = f'" + strings.Repeat("{a:", 1000) + strings.Repeat("}", 1000) + "'",
		"too long":    strings.Repeat("#", MaxSource+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if told(src) == "" {
				t.Error("no error")
			}
		})
	}
}

func blocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", min(i, 60)) + "if a:\n")
	}
	return b.String()
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`'a"b'`:                                  "a\"b",
		`"it's"`:                                 "it's",
		`'''a'b''c'''`:                           "a'b''c",
		"\"\"\"a\nb\"\"\"":                       "a\nb",
		`'\x41\u00e9\U0001F600\n\t\\\'\"\0\101'`: "A\u00e9\U0001F600\n\t\\'\"\x00A",
		`r'\n'`:                                  `\n`,
		`R"\""`:                                  `\"`,
		`u'x'`:                                   "x",
		`'\d'`:                                   `\d`,
		"'a\\\nb'":                               "ab",
		`b'\xff\101'`:                            "\xffA",
		`('a' "b"` + "\n 'c')":                   "abc",
	} {
		f, errs := Parse([]byte("x = " + src + "\n"))
		if len(errs) > 0 {
			t.Errorf("%s: %v", src, errs)
			continue
		}
		s, ok := f.Body[0].(*Assign).Value.(*Str)
		if !ok || s.Text != want {
			t.Errorf("%s: got %#v, want %q", src, f.Body[0].(*Assign).Value, want)
		}
	}
}

// TestPositions holds that expressions within f-strings, after joined lines and after
// characters of several bytes stand where they stand in the file.
func TestPositions(t *testing.T) {
	t.Parallel()
	want := map[string]Pos{"é": {1, 1}, "a": {1, 11}, "b": {2, 2}, "c": {4, 3}}
	f, errs := Parse([]byte("é = f'''ü{a} {\n b}''' \\\n  f\"\"\"\n {c.d}\"\"\"\n"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	got := map[string]Pos{}
	s := f.Body[0].(*Assign)
	name := s.Targets[0].(*Name)
	got[name.ID] = name.Pos
	for _, p := range s.Value.(*FString).Parts {
		switch x := p.X.(type) {
		case *Name:
			got[x.ID] = x.Pos
		case *Attr:
			got[x.X.(*Name).ID] = x.X.Start()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzParse holds that no source makes the parser fail, hang or report a place that
// is not in the file.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"../examples/*.py", "../testdata/programs/*.py", "../testdata/bombs/*.py"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	for _, s := range []string{
		"", "\\", "f'{", "f'{a!r:{b}}'", "x[1:2:3, ...]", "try:\n a\nexcept* (A, B) as e:\n b\nelse:\n c\nfinally:\n d\n",
		"with a as b, c: d", "class A(B, k=1): pass", "@a.b(c)\nasync def", "del a, b; global c", "raise A from b",
		"\t\tif\r\n\f x", "a\x00b", "lambda *a, b=1, **c: d", "{**a, b: c}", "[*a, b]", "x: int = 1", "from . import a", "if a:\n\t b\n        c\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, errs := Parse(src)
		if file == nil {
			t.Fatal("no tree")
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, e := range errs {
			if e.Line < 1 || e.Line > lines || e.Col < 1 || e.Message == "" {
				t.Errorf("%+v in a file of %d lines", e, lines)
			}
		}
	})
}
