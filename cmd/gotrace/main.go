// Gotrace traces a Linux system with bpftrace-like scripts. See `gotrace --help` and the README.
package main

import "os"

func main() {
	c := &cli{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.LookupEnv}
	os.Exit(c.run(os.Args[1:]))
}
