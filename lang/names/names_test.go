package names

import "testing"

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		table *Table
		n     int64
		want  string
	}{
		{Errors(), 0, "Success"}, {Errors(), 1, "Operation not permitted"}, {Errors(), 22, "Invalid argument"}, {Errors(), 41, "Unknown error"},
		{Errors(), 133, "Memory page has hardware error"}, {Errors(), 5000, "Unknown error"}, {Errors(), -1, "Unknown error"},
		{Signals(), 0, "Unknown signal 0"}, {Signals(), 2, "Interrupt"}, {Signals(), 29, "I/O possible"}, {Signals(), 33, "Unknown signal 33"},
		{Signals(), 34, "Real-time signal 0"}, {Signals(), 64, "Real-time signal 30"}, {Signals(), 65, "N/A"}, {Signals(), 1024, "N/A"},
		{Syscalls("amd64"), 0, "read"}, {Syscalls("amd64"), 59, "execve"}, {Syscalls("amd64"), 511, "Unknown syscall"},
		{Syscalls("arm64"), 63, "read"}, {Syscalls("arm64"), 221, "execve"},
	} {
		if got := tt.table.Name(tt.n); got != tt.want {
			t.Errorf("%d is %q, want %q", tt.n, got, tt.want)
		}
	}
	for _, table := range []*Table{Errors(), Signals(), Syscalls("amd64")} {
		if b := table.Bytes(); len(b) != table.Size*table.Entries() || table.Size%8 != 0 || b[len(b)-1] != 0 {
			t.Errorf("%d bytes of %d entries of %d", len(b), table.Entries(), table.Size)
		}
	}
}
