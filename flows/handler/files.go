package handler

import "embed"

// Files holds the stubs for editors ("stubs/breakglass/*.pyi") and the example
// handlers ("examples/*.py").
//
//go:embed all:stubs examples
var Files embed.FS
