// Command reference writes docs/reference.md from the tables of package builtin: go generate ./lang/builtin.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "docs/reference.md", "the `file` to write")
	flag.Parse()
	if err := os.WriteFile(*out, []byte(reference()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
