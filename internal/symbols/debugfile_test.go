package symbols

import (
	"slices"
	"testing"
)

func TestDebugDirs(t *testing.T) {
	got := DebugDirs([]string{"/usr/x:./dbg", "+..", ""}, "/opt/app/bin/server")
	want := []string{"/usr/x", "/opt/app/bin/dbg", "./dbg", "/opt/app", ".."}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
