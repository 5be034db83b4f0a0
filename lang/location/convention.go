package location

import (
	"fmt"
	"slices"
)

// Convention is where an architecture's code has its registers in the context, and its arguments. It is the one table of
// these facts.
type Convention struct {
	// Registers are in the order of struct pt_regs as eBPF programs see it, a word each.
	Registers []string
	Size      int // bytes of struct pt_regs
	// Aliases are other names of registers.
	Aliases map[string]string

	Args   []string // registers of the integer arguments, in order
	Return string
	SP, IP string
	// StackArgs is how far the first argument on the stack is from the stack pointer at the function's entry.
	StackArgs int
	Word      int // bytes of an argument and of a pointer

	// The CPU was in user mode where the register Mode, masked, has a value.
	Mode                string
	ModeMask, ModeValue int64
}

// x86Registers are those of struct pt_regs of arch/x86/include/asm/ptrace.h.
var x86Registers = []string{"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di",
	"orig_ax", "ip", "cs", "flags", "sp", "ss"}

// x86Aliases are the names of the processor's manual, and pc and fp for what they are.
var x86Aliases = map[string]string{"rax": "ax", "rbx": "bx", "rcx": "cx", "rdx": "dx", "rsi": "si", "rdi": "di", "rbp": "bp", "rsp": "sp",
	"rip": "ip", "orig_rax": "orig_ax", "eflags": "flags", "rflags": "flags", "pc": "ip", "fp": "bp"}

// amd64 is C by the System V ABI.
var amd64 = Convention{
	Registers: x86Registers, Size: 168, Aliases: x86Aliases,
	Args: []string{"di", "si", "dx", "cx", "r8", "r9"}, Return: "ax", SP: "sp", IP: "ip",
	StackArgs: 8, // the return address lies on top of the stack
	Word:      8,
	Mode:      "cs", ModeMask: 3, ModeValue: 3,
}

// i386 is 32-bit x86 code on an x86-64 kernel: the registers are the kernel's, all arguments are on the stack.
var i386 = Convention{
	Registers: x86Registers, Size: 168, Aliases: x86Aliases,
	Return: "ax", SP: "sp", IP: "ip",
	StackArgs: 4, Word: 4,
	Mode: "cs", ModeMask: 3, ModeValue: 3,
}

// arm64 is C by the procedure call standard (AAPCS64), with struct user_pt_regs of arch/arm64/include/uapi/asm/ptrace.h.
var arm64 = Convention{
	Registers: []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
		"x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp", "pc", "pstate"},
	Size: 272, Aliases: arm64Aliases(),
	Args: []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"}, Return: "x0", SP: "sp", IP: "pc",
	Word: 8,
	Mode: "pstate", ModeMask: 0xf, ModeValue: 0, // PSR_MODE_EL0t
}

// arm64Aliases are those of bpftrace, r0 or regs[0] for x0, and the usual names of three registers.
func arm64Aliases() map[string]string {
	names := map[string]string{"fp": "x29", "lr": "x30", "ip": "pc"}
	for i := range 31 {
		names[fmt.Sprintf("r%d", i)] = fmt.Sprintf("x%d", i)
		names[fmt.Sprintf("regs[%d]", i)] = fmt.Sprintf("x%d", i)
	}
	return names
}

// Of returns the convention of C code for an architecture (GOARCH), or of 32-bit code on amd64; nil if it is not known.
func Of(arch string, is32 bool) *Convention {
	switch {
	case arch == "amd64" && is32:
		return &i386
	case arch == "amd64":
		return &amd64
	case arch == "arm64":
		return &arm64
	}
	return nil
}

// Register is where a register lies in the context.
func (c *Convention) Register(name string) (offset int, ok bool) {
	if alias := c.Aliases[name]; alias != "" {
		name = alias
	}
	i := slices.Index(c.Registers, name)
	return WordSize * i, i >= 0
}

// Arg is the location of the integer argument i at a function's entry. user says whose stack it may lie on.
func (c *Convention) Arg(i int, user bool) Location {
	if i < len(c.Args) {
		return Register{Name: c.Args[i], Size: c.Word}
	}
	return c.StackArg(i-len(c.Args), user)
}

// StackArg is the location of word i of the arguments that lie on the stack.
func (c *Convention) StackArg(i int, user bool) Location {
	at := Address{Base: Register{Name: c.SP, Size: WordSize}, Offset: int64(c.StackArgs + c.Word*i)}
	return Memory{At: at, Size: c.Word, User: user}
}

// Result is the location of what a function returns, when it has returned.
func (c *Convention) Result() Location { return Register{Name: c.Return, Size: c.Word} }

// PC is the location of the address at which the probe was hit.
func (c *Convention) PC() Location { return Register{Name: c.IP, Size: WordSize} }

// UserMode is the location of the register that tells the CPU's mode.
func (c *Convention) UserMode() Location { return Register{Name: c.Mode, Size: WordSize} }

// RawArg is the location of argument i of a raw tracepoint: its context is an array of words (struct bpf_raw_tracepoint_args).
func RawArg(i int) Location { return Context{Offset: WordSize * i, Size: WordSize} }
