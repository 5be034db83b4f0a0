// Gotrace traces a Linux system with bpftrace-like scripts. See `gotrace --help` and the README.
package main

import (
	"os"
	"runtime"
)

// BEGIN and END run on the thread that asks for it. They are to see the process as it is: tid is pid there.
func init() { runtime.LockOSThread() }

func main() {
	c := &cli{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Getenv}
	os.Exit(c.run(os.Args[1:]))
}
