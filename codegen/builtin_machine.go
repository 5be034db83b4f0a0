package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// machineVars tell of the machine.
var machineVars = map[string]variable{
	// cpu is the number of the CPU the program runs on.
	"cpu": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnGetSmpProcessorId), true)}
	},
	// ncpus is the number of CPUs.
	"ncpus": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Const(int64(l.k.kernel.OnlineCPUs))}
	},
	// rand is a pseudo-random number of 32 bits.
	"rand": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Ext(l.b.Helper(int(asm.FnGetPrandomU32), false), 32, false)}
	},
}
