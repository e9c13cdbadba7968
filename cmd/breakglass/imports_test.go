package main_test

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the name that our own import paths begin with.
const module = "breakglass"

// room is one package: which others of ours it may import, and which its tests may
// import besides (its own package and those of testSupport always).
type room struct {
	imports, tests []string
	support        bool // for tests: it may import testing, and only tests may import it
}

// rooms is the direction of imports. A package that is not in it may not exist. What
// is above here is called, never calls: the domain knows nobody, the integrations know
// the domain, and only app sees everything.
var rooms = map[string]room{
	"flows":                          {tests: list("flows/worker", "store")},
	"flows/flowtest":                 {imports: list("flows")},
	"flows/config":                   {imports: list("flows")},
	"flows/config/atlas":             {imports: list("flows/config/source", "flows/config/yaml"), tests: list("flows/config")},
	"flows/config/openapi":           {imports: list("flows", "flows/config/yaml")},
	"flows/config/source":            {tests: list("flows/config")},
	"flows/config/yaml":              {},
	"flows/handler":                  {imports: list("flows", "flows/handler/python")},
	"flows/handler/python":           {},
	"flows/worker":                   {imports: list("flows")},
	"flows/audit/query":              {imports: list("flows")},
	"flows/audit/history":            {imports: list("flows", "flows/audit/query")},
	"flows/doors":                    {imports: list("flows")},
	"flows/people":                   {imports: list("flows")},
	"flows/audit":                    {imports: list("flows")},
	"flows/audit/mirror":             {imports: list("flows", "flows/audit", "flows/audit/history")},
	"migrations":                     {},
	"store":                          {imports: list("flows", "migrations", "store/internal/pack", "store/internal/postgresdb", "store/internal/sqlitedb"), tests: list("flows/audit")},
	"store/internal/pack":            {imports: list("flows")},
	"store/internal/postgresdb":      {},
	"store/internal/sqlitedb":        {imports: list("store/internal/postgresdb")},
	"store/storetest":                {imports: list("flows", "store/internal/pack"), support: true},
	"integrations/slack":             {imports: list("flows")},
	"integrations/slackfake":         {},
	"integrations/pagerduty":         {imports: list("flows")},
	"integrations/pagerdutyfake":     {},
	"integrations/secrets":           {imports: list("flows")},
	"integrations/secrets/awsfake":   {},
	"integrations/oidc":              {imports: list("flows")},
	"integrations/oidcfake":          {},
	"integrations/reach":             {},
	"integrations/httpadapter":       {imports: list("flows", "integrations/httpadapter/place", "integrations/reach"), tests: list("store", "flows/doors", "flows/config")},
	"integrations/httpadapter/place": {imports: list("flows")},
	"integrations/target":            {imports: list("flows", "integrations/reach")},
	"integrations/target/receiver":   {},
	"integrations/sink":              {imports: list("flows"), tests: list("store")},
	"bot":                            {imports: list("flows", "flows/audit/history", "flows/audit/query"), tests: list("integrations/slack", "store")},
	"bot/records":                    {imports: list("flows", "flows/audit", "flows/audit/history", "flows/audit/query"), tests: list("bot/web", "flows/doors", "store")},
	"bot/web":                        {imports: list("flows", "flows/audit", "flows/audit/history", "flows/audit/query", "flows/doors")},
	"bot/bottest": {imports: list("flows", "flows/audit/mirror", "cmd/breakglass/app", "cmd/breakglass/company", "integrations/pagerduty", "integrations/slackfake",
		"integrations/pagerdutyfake", "integrations/oidcfake", "store"), tests: list("integrations/httpadapter", "flows/audit/history", "flows/doors", "flows/people"), support: true},
	"cmd/breakglass/company": {imports: list("flows", "flows/config", "flows/handler", "cmd/breakglass/app", "integrations/secrets",
		"integrations/slackfake", "integrations/pagerdutyfake", "integrations/oidcfake", "integrations/target/receiver")},
	"cmd/breakglass/past": {imports: list("flows", "flows/handler", "flows/worker", "store")},
	"cmd/breakglass/app":  {imports: everything},
	"cmd/breakglass": {imports: list("bot", "bot/web", "cmd/breakglass/app", "cmd/breakglass/company", "cmd/breakglass/past", "flows", "flows/audit", "flows/audit/history", "flows/audit/mirror", "flows/audit/query", "flows/config", "flows/config/atlas", "flows/config/openapi", "flows/config/source", "flows/doors", "flows/people", "store",
		"integrations/httpadapter", "integrations/oidcfake", "integrations/pagerduty", "integrations/pagerdutyfake", "integrations/secrets", "integrations/slack", "integrations/slackfake")},
}

// testSupport is what every package's tests may import: worlds to test against.
var testSupport = list("bot/bottest", "cmd/breakglass/company", "flows/flowtest", "store/storetest", "integrations/slackfake", "integrations/pagerdutyfake",
	"integrations/secrets/awsfake", "integrations/target/receiver", "integrations/oidcfake")

// everything is for the package that ties the others together.
var everything = list("*")

// modules says which packages may use which module of others; "*" is every package.
// Tests are held to it too, but for the clients that a simulator is tried with.
var modules = map[string][]string{
	"github.com/slack-go/slack":                                list("bot", "integrations/slack"),
	"github.com/PagerDuty/go-pagerduty":                        list("integrations/pagerduty"),
	"github.com/failsafe-go/failsafe-go":                       list("integrations/pagerduty"),
	"github.com/aws/aws-sdk-go-v2":                             list("integrations/secrets", "integrations/httpadapter"),
	"github.com/aws/smithy-go":                                 list("integrations/secrets"),
	"github.com/standard-webhooks/standard-webhooks/libraries": list("integrations/target", "integrations/target/receiver", "integrations/sink"),
	"github.com/hashicorp/hcl/v2":                              list("flows/config", "flows/config/source"),
	"github.com/zclconf/go-cty":                                list("flows/config", "flows/config/source"),
	"github.com/agext/levenshtein":                             list("flows/config"),
	"go.starlark.net":                                          list("flows/handler"),
	"github.com/jackc/pgx/v5":                                  list("store", "store/internal/postgresdb", "store/storetest"),
	"modernc.org/libc":                                         list("store"),
	"modernc.org/sqlite":                                       list("store"),
	"github.com/pressly/goose/v3":                              list("store"),
	"github.com/go-chi/chi/v5":                                 list("cmd/breakglass/app", "bot/web"),
	"github.com/danielgtaylor/huma/v2":                         list("bot/web"),
	"github.com/a-h/templ":                                     list("bot/web"),
	"github.com/coreos/go-oidc/v3":                             list("integrations/oidc"),
	"golang.org/x/oauth2":                                      list("integrations/oidc"),
	"github.com/prometheus/client_golang":                      list("cmd/breakglass/app"),
	"github.com/klauspost/compress":                            list("store/internal/pack"),
	"github.com/itchyny/gojq":                                  list("cmd/breakglass"),
	"github.com/spf13/cobra":                                   list("cmd/breakglass"),
	"github.com/jedib0t/go-pretty/v6":                          list("cmd/breakglass"),
	"golang.org/x/mod":                                         list("flows/audit", "store", "cmd/breakglass/app"),
	"golang.org/x/sync":                                        list("*"),
	"golang.org/x/sys":                                         list("store"),
	"golang.org/x/time":                                        list("integrations/slack", "integrations/secrets"),
}

// testModules may be used by the tests of every package and by those for tests.
var testModules = list("github.com/google/go-cmp", "pgregory.net/rapid", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "go.yaml.in/yaml/v3")

// simulatorClients is what the tests of a simulator may use beside modules: other
// people's clients, since simulators are proved with them.
var simulatorClients = map[string][]string{
	"integrations/slackfake":     list("github.com/slack-go/slack"),
	"integrations/pagerdutyfake": list("github.com/PagerDuty/go-pagerduty"),
}

func list(names ...string) []string { return names }

func TestImports(t *testing.T) {
	t.Parallel()
	obeys(t, imports)
}

func TestImportsCatch(t *testing.T) {
	t.Parallel()
	// A tree in which every room exists, so that only what a case adds is found.
	house := func(more map[string]string) map[string]string {
		files := map[string]string{}
		for dir := range rooms {
			files[dir+"/doc.go"] = "package x"
		}
		maps.Copy(files, more)
		return files
	}
	for name, c := range map[string]struct {
		file, text string
		want       []string
	}{
		"nothing":                {"flows/a.go", `package x; import "fmt"`, nil},
		"unknown package":        {"flows/util/a.go", "package util", list("flows/util: is not in the table")},
		"domain imports ours":    {"flows/a.go", `package x; import "breakglass/store"`, list("flows may not import breakglass/store")},
		"domain imports others'": {"flows/a.go", `package x; import "golang.org/x/sync/singleflight"`, list("flows is standard library only")},
		"store imports bot":      {"store/a.go", `package x; import "breakglass/bot"`, list("store may not import breakglass/bot")},
		"integration to store":   {"integrations/slack/a.go", `package x; import "breakglass/store"`, list("may not import breakglass/store")},
		"fake imports ours":      {"integrations/slackfake/a.go", `package x; import "breakglass/flows"`, list("may not import breakglass/flows")},
		"fake links testing":     {"integrations/slackfake/a.go", `package x; import "testing/iotest"`, list("testing/iotest is for tests")},
		"fake links httptest":    {"integrations/slackfake/a.go", `package x; import "net/http/httptest"`, list("net/http/httptest is for tests")},
		"app links a test world": {"cmd/breakglass/app/a.go", `package x; import "breakglass/store/storetest"`, list("storetest is for tests")},
		"second caller of Slack": {"flows/worker/a.go", `package x; import "github.com/slack-go/slack"`, list("flows/worker may not use github.com/slack-go/slack")},
		"by another name":        {"store/a.go", `package x; import pd "github.com/PagerDuty/go-pagerduty"`, list("store may not use")},
		"unknown module":         {"store/a_test.go", `package x_test; import "github.com/stretchr/testify/require"`, list("is of a module that is not in the table")},
		"test library linked":    {"store/a.go", `package x; import "github.com/google/go-cmp/cmp"`, list("github.com/google/go-cmp is for tests")},
		"test library in a test": {"store/a_test.go", `package x_test; import ("testing"; "breakglass/store"; "github.com/google/go-cmp/cmp")`, nil},
		"chance":                 {"store/a.go", `package x; import "crypto/rand"`, list("store may not import crypto/rand")},
		"a test's own reach":     {"bot/a_test.go", `package x_test; import ("breakglass/store"; "breakglass/integrations/pagerduty")`, list("tests of bot may not import breakglass/integrations/pagerduty")},
		"a program beside":       {"store/a.go", "//go:build ignore\n\npackage main\nimport \"breakglass/bot\"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			catches(t, imports, house(map[string]string{c.file: c.text}), c.want...)
		})
	}
	t.Run("a room without a package", func(t *testing.T) {
		t.Parallel()
		files := house(nil)
		delete(files, "bot/doc.go")
		catches(t, imports, files, "bot: is in the table, but there is no such package")
	})
}

// imports holds each file against the tables of this page.
func imports(tr *tree) []string {
	var found []string
	seen := map[string]bool{}
	for _, f := range tr.files {
		if f.ignored {
			continue
		}
		r, known := rooms[f.dir]
		if !known && !seen[f.dir] {
			found = append(found, f.dir+": is not in the table of imports_test.go; say there what it may import")
		}
		seen[f.dir] = true
		if !known {
			continue
		}
		for _, spec := range f.ast.Imports {
			if wrong := r.forbids(f, importPath(spec)); wrong != "" {
				found = append(found, tr.at(spec.Pos())+": "+wrong)
			}
		}
	}
	for dir := range rooms {
		if !seen[dir] {
			found = append(found, dir+": is in the table, but there is no such package")
		}
	}
	return found
}

// forbids says what is wrong with an import of this room, or nothing.
func (r room) forbids(f *file, imported string) string {
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	switch {
	case isOurs:
		return r.forbidsOurs(f, ours)
	case strings.Contains(strings.Split(imported, "/")[0], "."):
		return r.forbidsOthers(f, imported)
	case f.test || r.support:
		return ""
	case imported == "testing", strings.HasPrefix(imported, "testing/"), imported == "net/http/httptest":
		return imported + " is for tests, and would be linked into the program"
	case imported == "crypto/rand" && !f.command():
		return f.dir + " may not import crypto/rand: ids and randomness come in as functions"
	}
	return ""
}

func (r room) forbidsOurs(f *file, dir string) string {
	switch {
	case rooms[dir].support && !f.test && !r.support:
		return module + "/" + dir + " is for tests, and would be linked into the program"
	case allowed(r.imports, dir):
		return ""
	case !f.test:
		return f.dir + " may not import " + module + "/" + dir
	case dir == f.dir, allowed(r.tests, dir), allowed(testSupport, dir):
		return ""
	}
	return "tests of " + f.dir + " may not import " + module + "/" + dir
}

func (r room) forbidsOthers(f *file, imported string) string {
	for _, m := range testModules {
		if within(imported, m) {
			if f.test || r.support {
				return ""
			}
			return m + " is for tests, and would be linked into the program"
		}
	}
	if f.dir == "flows" {
		return "flows is standard library only, and may not import " + imported
	}
	for m, dirs := range modules {
		if !within(imported, m) {
			continue
		}
		if allowed(dirs, f.dir) || f.test && allowed(simulatorClients[f.dir], m) {
			return ""
		}
		return f.dir + " may not use " + m
	}
	return imported + " is of a module that is not in the table of imports_test.go"
}

func allowed(in []string, name string) bool {
	return slices.Contains(in, name) || slices.Contains(in, "*")
}

// within says whether an import path belongs to a module or a package below it.
func within(imported, name string) bool {
	return imported == name || strings.HasPrefix(imported, name+"/")
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return path.Clean(p)
}
