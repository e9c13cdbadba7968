package main_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// top is all that lies at the top of the project, beside dot files.
var top = list("README.md", "bot", "cmd", "docker-compose.yml", "flows", "go.mod", "go.sum", "integrations", "migrations", "store")

func TestLayout(t *testing.T) {
	t.Parallel()
	obeys(t, layout)
	house := map[string]string{".gitignore": "/breakglass\n*.db\n", ".github/x.yml": "", "breakglass": "built here", "try.db": ""}
	for _, name := range top {
		if path.Ext(name) == "" {
			name += "/keep.txt"
		}
		house[name] = ""
	}
	catches(t, layout, house)
	house["docs/adr.md"] = ""
	delete(house, "README.md")
	catches(t, layout, house, "README.md: is missing", "docs: does not belong at the top")
}

// layout wants exactly what top names, beside dot files and what git ignores.
func layout(tr *tree) []string {
	entries, err := fs.ReadDir(tr.fsys, ".")
	if err != nil {
		return list(err.Error())
	}
	ignored, err := fs.ReadFile(tr.fsys, ".gitignore")
	if err != nil {
		return list(err.Error())
	}
	var found, there []string
	for _, e := range entries {
		name := e.Name()
		there = append(there, name)
		if !slices.Contains(top, name) && !strings.HasPrefix(name, ".") && !matches(string(ignored), name) {
			found = append(found, name+": does not belong at the top; a document lies in the folder that it is about")
		}
	}
	for _, name := range top {
		if !slices.Contains(there, name) {
			found = append(found, name+": is missing")
		}
	}
	return found
}

// matches says whether a .gitignore names a file at the top.
func matches(ignore, name string) bool {
	for pattern := range strings.FieldsSeq(ignore) {
		if ok, _ := path.Match(strings.TrimPrefix(pattern, "/"), name); ok {
			return true
		}
	}
	return false
}

func TestMigrationFiles(t *testing.T) {
	t.Parallel()
	obeys(t, migrations)
	good := "-- Why: it is needed, and this says for what.\n\n-- +goose Up\nCREATE TABLE a (b int);\n"
	catches(t, migrations, map[string]string{
		"migrations/sqlite/00001_tables.sql":   good,
		"migrations/sqlite/00003_more.sql":     "-- +goose Up\n",
		"migrations/sqlite/four.sql":           good + "-- +goose Down\nDROP TABLE a;\n",
		"migrations/postgres/00001_tables.sql": good,
	}, "migrations/sqlite/00003_more.sql: begins without", "migrations/sqlite/00003_more.sql: is not there for postgres",
		"migrations/sqlite/00003_more.sql: should have the number 00002",
		"migrations/sqlite/four.sql: is not there for postgres", `migrations/sqlite/four.sql: says "+goose Down"`,
		"migrations/sqlite/four.sql: should have the number 00003")
}

// migrations wants the same numbered files for both databases, each of which opens
// with why it is, and goes up as a whole: store hands it to the database as it stands.
func migrations(tr *tree) []string {
	numbered := regexp.MustCompile(`^(\d{5})_[a-z0-9_]+\.sql$`)
	says := regexp.MustCompile(`\+goose .*`)
	var found []string
	for dialect, other := range map[string]string{"sqlite": "postgres", "postgres": "sqlite"} {
		files, err := fs.Glob(tr.fsys, "migrations/"+dialect+"/*.sql")
		if err != nil || len(files) == 0 {
			found = append(found, fmt.Sprintf("migrations/%s: has no migrations (%v)", dialect, err))
		}
		for i, name := range files {
			number := fmt.Sprintf("%05d", i+1)
			if m := numbered.FindStringSubmatch(path.Base(name)); m == nil || m[1] != number {
				found = append(found, name+": should have the number "+number+", then an underscore and what it is about")
			}
			if _, err := fs.Stat(tr.fsys, "migrations/"+other+"/"+path.Base(name)); err != nil {
				found = append(found, name+": is not there for "+other)
			}
			text, err := fs.ReadFile(tr.fsys, name)
			if err != nil || !strings.HasPrefix(string(text), "-- Why: ") {
				found = append(found, name+`: begins without "-- Why: " and its reason`)
			}
			for _, what := range says.FindAllString(string(text), -1) {
				if !slices.Contains([]string{"+goose Up", "+goose StatementBegin", "+goose StatementEnd"}, what) {
					found = append(found, fmt.Sprintf("%s: says %q, which nobody would obey", name, what))
				}
			}
		}
	}
	return found
}
