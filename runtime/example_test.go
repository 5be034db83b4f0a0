package runtime_test

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"syscall"
	"testing"

	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// TestMain leaves the examples out where they cannot run: an example cannot skip itself.
func TestMain(m *testing.M) {
	flag.Parse()
	if skip := flag.Lookup("test.skip"); os.Geteuid() != 0 && skip.Value.String() == "" {
		fmt.Fprintln(os.Stderr, "SKIPPED: the examples: loading eBPF programs needs root")
		_ = skip.Value.Set("^Example")
	}
	os.Exit(m.Run())
}

// System calls of this process by name, read while they are counted.
func Example_countSystemCalls() {
	s, err := runtime.Open(context.Background(), `tracepoint:syscalls:sys_enter_getp* { @calls[probe] = count(); }`,
		runtime.Options{PID: os.Getpid()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for range 5 {
		syscall.Getppid()
	}
	calls := map[string]uint64{}
	if err := s.Snapshot("calls", &calls); err != nil {
		log.Fatal(err)
	}
	fmt.Println(calls["tracepoint:syscalls:sys_enter_getppid"])
	// Output: 5
}

// Files that are opened, as Go structs. The fields of the struct have the names of printf's arguments.
func Example_followOpens() {
	ctx, stop := context.WithCancel(context.Background())
	sink := output.Func(func(e output.Event) error {
		var open struct{ Comm, Filename string }
		if p, ok := e.(*output.Printf); ok && p.Decode(&open) == nil && open.Filename == "/proc/version" {
			fmt.Println("opened", open.Filename)
			stop()
		}
		return nil
	})
	script := `tracepoint:syscalls:sys_enter_openat { printf("%s %s\n", comm, str(args.filename)); }`
	s, err := runtime.Open(ctx, script, runtime.Options{PID: os.Getpid(), Sink: sink})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	_, _ = os.ReadFile("/proc/version")
	if err := s.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: opened /proc/version
}

// A histogram of the sizes of reads, as buckets.
func Example_histogram() {
	s, err := runtime.Open(context.Background(), `tracepoint:syscalls:sys_enter_read /args.count >= 1000000/ { @sizes = hist(args.count); }`,
		runtime.Options{PID: os.Getpid()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for _, size := range []int{1 << 20, 1<<20 + 1, 1 << 22} {
		_, _ = syscall.Read(-1, make([]byte, size))
	}
	var sizes []value.Bucket
	if err := s.Snapshot("sizes", &sizes); err != nil {
		log.Fatal(err)
	}
	for _, b := range sizes {
		fmt.Println(b.Lo, b.Hi, b.Count)
	}
	// Output:
	// 1048576 2097152 2
	// 2097152 4194304 0
	// 4194304 8388608 1
}
