package main

import (
	"errors"
	"time"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
)

// The compiler is measured for so long, and at least and at most so many times.
const (
	enoughCompiling = time.Second
	leastCompiling  = 3
	mostCompiling   = 1000
)

// benchCompiler shows how long the stages of a script's compilation take, as a table of benchmarks. Nothing is loaded.
func (c *cli) benchCompiler(src *source.Source, params []string) int {
	var stages []string
	total := map[string]time.Duration{}
	opts := c.options(params)
	opts.Took = func(stage string, took time.Duration) {
		if _, seen := total[stage]; !seen {
			stages = append(stages, stage)
		}
		total[stage] += took
	}
	runs := 0
	for start := time.Now(); runs < leastCompiling || runs < mostCompiling && time.Since(start) < enoughCompiling; runs++ {
		if _, err := runtime.Compile(src, opts); !errors.Is(err, runtime.ErrDumped) {
			return c.failed(err)
		}
		opts.Sink = output.Discard // warnings are told once
	}
	out, closeOut, err := c.output()
	if err != nil {
		return c.fail(err)
	}
	defer closeOut()
	sink := c.sink(out)
	for i, stage := range stages {
		r := output.BenchResult{Name: stage, Index: i, Average: total[stage] / time.Duration(runs), Iterations: uint64(runs)}
		if err := sink.Event(r); err != nil {
			return c.fail(err)
		}
	}
	if err := sink.Drain(); err != nil {
		return c.fail(err)
	}
	return 0
}
