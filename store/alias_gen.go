//go:build ignore

// Command alias_gen turns the structs that sqlc wrote into one package into aliases
// of the same structs in another package:
//
//	go run alias_gen.go DIR IMPORTPATH
//
// It fails where a struct differs, which would mean that a query does not mean the
// same on both engines.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run alias_gen.go DIR IMPORTPATH")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "alias_gen:", err)
		os.Exit(1)
	}
}

func run(dir, from string) error {
	origin, err := structs(filepath.Join(filepath.Dir(dir), path.Base(from)))
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := alias(file, from, origin); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// structs lists the row and parameter types of a generated package, as text.
func structs(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := each(file, src, func(name string, start, end int) { all[name] = string(src[start:end]) }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// alias rewrites one file.
func alias(file, from string, origin map[string]string) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	last, changed := 0, false
	var differ error
	err = each(file, src, func(name string, start, end int) {
		if origin[name] != string(src[start:end]) {
			differ = fmt.Errorf("type %s differs between the engines:\n%s\n%s", name, origin[name], src[start:end])
		}
		fmt.Fprintf(&out, "%s= %s.%s", src[last:start], path.Base(from), name)
		last, changed = end, true
	})
	if err != nil || differ != nil || !changed {
		return firstOf(err, differ)
	}
	out.Write(src[last:])
	text := strings.Replace(out.String(), "import (", fmt.Sprintf("import (\n\t%q\n", from), 1)
	if !strings.Contains(text, fmt.Sprintf("%q", from)) {
		_, rest, _ := strings.Cut(text, "\n\n") // after the header and before the first declaration
		head := strings.TrimSuffix(text, rest)
		clause, decls, _ := strings.Cut(rest, "\n")
		text = head + clause + fmt.Sprintf("\n\nimport %q\n", from) + decls
	}
	formatted, err := format.Source([]byte(text))
	if err != nil {
		return err
	}
	return os.WriteFile(file, formatted, 0o644)
}

// each finds the struct types of a file other than Queries.
func each(file string, src []byte, found func(name string, start, end int)) error {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, 0)
	if err != nil {
		return err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name == "Queries" {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			found(spec.Name.Name, fset.Position(s.Pos()).Offset, fset.Position(s.End()).Offset)
		}
		return true
	})
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
