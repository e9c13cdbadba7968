// Package python reads the subset of Python that handlers are written in: source in,
// syntax tree out, with the line and column of everything. It knows Python's grammar
// and nothing of Starlark, of our modules or of what a handler may do; statements that
// cannot be run yet are parsed all the same, and it is the reader of the tree that
// says so. Standard library only.
//
// Read first: ast.go (the tree), parser.go (how errors are collected), then lexer.go.
package python
