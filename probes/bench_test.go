package probes

import "testing"

// What a start of gotrace is made of.

func BenchmarkNewEnv(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		testEnv(b, EnvOptions{})
	}
}

func BenchmarkTracepoint(b *testing.B) {
	needTracefs(b)
	b.ReportAllocs()
	for b.Loop() {
		e := testEnv(b, EnvOptions{})
		targets, err := e.Resolve(point("tracepoint:syscalls:sys_enter_openat"))
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := e.Args(&targets[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTaskField(b *testing.B) {
	needTypes(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := testEnv(b, EnvOptions{}).Kernel().Task().Field("tgid"); !ok {
			b.Fatal("no tgid")
		}
	}
}

func BenchmarkRawTracepoint(b *testing.B) {
	needTypes(b)
	b.ReportAllocs()
	for b.Loop() {
		e := testEnv(b, EnvOptions{})
		targets, err := e.Resolve(point("rawtracepoint:sched_switch"))
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := e.Args(&targets[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKprobe(b *testing.B) {
	needTypes(b)
	for b.Loop() {
		if _, err := testEnv(b, EnvOptions{}).Resolve(point("kprobe:vfs_read")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKprobeWildcard(b *testing.B) {
	for b.Loop() {
		if _, err := testEnv(b, EnvOptions{}).Resolve(point("kprobe:vfs_*")); err != nil {
			b.Fatal(err)
		}
	}
}
