package main

import (
	"os"
	"testing"
)

// TestFresh compares docs/reference.md with what the tables say.
func TestFresh(t *testing.T) {
	have, err := os.ReadFile("../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != reference() {
		t.Error("docs/reference.md is stale: go generate ./lang/builtin")
	}
}
