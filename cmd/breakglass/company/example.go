package company

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"breakglass/flows/config"
)

// WriteExample writes the example configuration into a directory, to be changed there.
func WriteExample(dir string) error {
	files := config.Example()
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read %s of the example: %w", name, err)
		}
		return os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600)
	})
}
