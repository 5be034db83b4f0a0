package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	tracer "github.com/gotrace/gotrace/runtime"
)

func init() {
	// BEGIN and END run on the thread that asks for it. They are to see the process as it is: tid is pid there.
	runtime.LockOSThread()
	quietQuit()
}

// quietQuit makes SIGQUIT end the process without the stacks that Go's runtime shows for it. From its first instruction until here
// the runtime has its way; that are some milliseconds.
func quietQuit() {
	if signal.Ignored(syscall.SIGQUIT) {
		return
	}
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	go func() {
		<-quit
		tracer.Leave(128 + int(syscall.SIGQUIT))
	}()
}

// Limits below which Go's runtime itself ends the process, with its stacks.
const (
	minFiles = 16
	maxProcs = 1 << 10
)

// checkLimits refuses limits with which nothing works, before anything meets them.
func checkLimits() error {
	if runtime.GOMAXPROCS(0) > maxProcs {
		// The scheduler looks at each of them, again and again.
		runtime.GOMAXPROCS(runtime.NumCPU())
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Cur < minFiles {
		return fmt.Errorf("the limit of open files is %d: gotrace needs at least %d: raise it with ulimit -n", files.Cur, minFiles)
	}
	return nil
}
