package main

// Main is the program, for the scripts.
func Main() { main() }

// Run is the program as a function, for tests.
var Run = run
