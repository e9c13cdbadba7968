//go:build !linux

package store_test

import "testing"

func smallDisk(t *testing.T) string {
	t.Helper()
	t.Skip("a file system of a chosen size needs Linux")
	return ""
}
