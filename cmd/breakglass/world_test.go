package main_test

import (
	"go/ast"
	"path"
	"testing"
)

// worldly are the names that reach for the clock, the network or a context that nobody
// cancels, by import path. Only cmd may; everything else is given what it needs, so
// that a test can run a month in a second.
var worldly = map[string][]string{
	"time":     list("Now", "Since", "Until", "Sleep", "After", "Tick"),
	"context":  list("Background", "TODO"),
	"net/http": list("DefaultClient", "DefaultServeMux", "Get", "Head", "Post", "PostForm", "Handle", "HandleFunc", "ListenAndServe"),
	"log":      list("*"),
	"log/slog": list("Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log"),
	"os":       list("Exit", "Getenv", "LookupEnv", "Environ", "Stdin", "Stdout", "Stderr", "Args"),
	"fmt":      list("Print", "Printf", "Println"),
}

func TestTheWorldComesInThroughCmd(t *testing.T) {
	t.Parallel()
	obeys(t, world)
	catches(t, world, map[string]string{
		"flows/a.go": `package flows
import "time"
func a() time.Time { return time.Now() }
var now = time.Now
func b(time clock) { _ = later() }
`,
		"bot/a.go": `package bot
import ( clock "time"; "context"; "net/http" )
func a() { clock.Sleep(1); _ = context.TODO(); _ = http.DefaultClient }
`,
		"bot/a_test.go":           "package bot\nimport \"time\"\nvar x = time.Now()",
		"cmd/tool/a.go":           "package main\nimport \"time\"\nvar x = time.Now()",
		"store/gen.go":            "//go:build ignore\n\npackage main\nimport \"os\"\nfunc main() { os.Exit(1) }",
		"store/storetest/pg.go":   "package storetest\nimport \"os\"\nvar x = os.Getenv(\"CI\")",
		"integrations/slack/a.go": "package slack\nimport \"fmt\"\nfunc f() string { return fmt.Sprint(1) }",
		"integrations/slack/b.go": "package slack\nimport . \"time\"",
	}, "bot/a.go:3: clock.Sleep", "bot/a.go:3: context.TODO", "bot/a.go:3: http.DefaultClient",
		"flows/a.go:3: time.Now", "flows/a.go:4: time.Now", "integrations/slack/b.go:2: . import of time")
}

// world finds whatever reaches out by itself. Test support may, like tests.
func world(tr *tree) []string {
	var found []string
	for _, f := range tr.files {
		if f.test || f.ignored || f.command() || rooms[f.dir].support {
			continue
		}
		names := map[string][]string{} // by the name that the file gives the package
		for _, spec := range f.ast.Imports {
			p := importPath(spec)
			local := path.Base(p)
			if spec.Name != nil {
				local = spec.Name.Name
			}
			if local == "." && worldly[p] != nil {
				found = append(found, tr.at(spec.Pos())+": . import of "+p)
			}
			names[local] = worldly[p]
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && allowed(names[x.Name], sel.Sel.Name) {
				found = append(found, tr.at(sel.Pos())+": "+x.Name+"."+sel.Sel.Name+" outside cmd; have it given")
			}
			return true
		})
	}
	return found
}

func TestNoInit(t *testing.T) {
	t.Parallel()
	obeys(t, inits)
	catches(t, inits, map[string]string{
		"a/a.go":      "package a\nfunc init() {}",
		"a/a_test.go": "package a\nfunc init() {}\ntype t int\nfunc (t) init() {}",
	}, "a/a.go:2: init", "a/a_test.go:2: init")
}

// inits finds what runs before anybody asked for it.
func inits(tr *tree) []string {
	var found []string
	for _, f := range tr.files {
		for _, decl := range f.ast.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
				found = append(found, tr.at(d.Pos())+": init runs before anybody asked for it; call it where it is needed")
			}
		}
	}
	return found
}
