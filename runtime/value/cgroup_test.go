package value

import (
	"reflect"
	"strings"
	"testing"
)

func TestReadHierarchies(t *testing.T) {
	got := readHierarchies(strings.NewReader("tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n" +
		"cgroup2 /elsewhere cgroup2 rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\nshort\n"))
	want := []hierarchy{{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"}, {"unified", "/sys/fs/cgroup/unified"}, {"unified", "/sys/fs/cgroup"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestCgroupOfNothing looks for ids that no cgroup has, and for hierarchies that are not there.
func TestCgroupOfNothing(t *testing.T) {
	if at, ok := (hierarchy{"gone", "/no/such/directory"}).find(1); ok {
		t.Errorf("a hierarchy that is not mounted has %q", at)
	}
	if got := cgroupPaths(1<<63, ""); got != "" {
		t.Errorf("an id that does not exist has the path %q", got)
	}
}
