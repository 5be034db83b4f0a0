package runtime_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime"
)

// A program that counts system calls for a second and reads the map itself. It needs root.
func Example() {
	src := &source.Source{Name: "example", Text: []byte(`
		config = { print_maps_on_exit = false }
		tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }
		interval:s:1 { exit(); }`)}
	env, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		log.Fatal(err)
	}
	opts := &lang.Options{}
	file, diags := lang.Parse(src, opts)
	if !diags.HasErrors() {
		var checked *lang.Checked
		if checked, diags = lang.Check(file, src, env, opts); !diags.HasErrors() {
			count(checked, env)
			return
		}
	}
	diags.Write(os.Stderr, src, false)
}

func count(checked *lang.Checked, env *probes.Env) {
	bp, err := codegen.Compile(checked, env, nil)
	if err != nil {
		log.Fatal(err)
	}
	s, err := runtime.Load(bp, runtime.Options{Env: env})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Attach(); err != nil {
		log.Fatal(err)
	}
	if err := s.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	calls := map[string]uint64{}
	if err := s.Snapshot("calls", &calls); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(calls))
}
