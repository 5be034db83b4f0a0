// Package scripts is the table of scripts with their expected output that all kinds of tests share:
// the unit tests compile them, the kernel and VM tests run them, and an installed bpftrace runs them
// too, as the oracle. The table is testdata/*.txt.
//
// A file holds cases. A case begins with a line `=== name`, then come settings, then sections:
//
//	=== division keeps the sign
//	oracle: 0.17 divides as if the operands were unsigned
//	--- script
//	BEGIN { print(-7 / 2); exit(); }
//	--- output
//	-3
//
// Settings, each at most once:
//
//	args: 42 "two words"     positional parameters
//	example: opensnoop.gt    the script is this file of examples/; there is no section for it
//	run: lseek 999 1 3       arguments of the workload command that -c runs (see package workload), or a command of %BIN%
//	flags: -q                more flags of gotrace (a case with flags never runs under the oracle)
//	env: A=1 "B=two words"   more of the environment of gotrace (nor does such a case)
//	needs: kprobe 6.2        what the machine must have: kprobe, fentry, uprobe, watchpoint, bash, override, amd64, the path of a file, or the kernel's version
//	exit: 3                  exit code, 0 if not given
//	oracle: reason           why bpftrace 0.17 prints something else; the oracle test checks that it does
//	oracle-skip: reason      why bpftrace 0.17 cannot run the script at all, or prints now this, now that
//	not-yet: feature         what gotrace does not have yet: the script must be refused (remove the line when it is not)
//	unit: reason             why the fake kernel of the unit tests cannot compile the script
//
// Sections: `script`, and one or more of `output` (exact), `match` (a regular expression for all of the
// output) and `stderr` (a regular expression to find in the messages); beside these `json`, what -q -f json prints, to the
// letter. In all of them %WORKLOAD% stands for the workload command's path, and %BIN% for the directory of the programs of testdata/bin. Those are built
// of the sources beside them, whose first lines say how: what a compiler writes about a program differs from one to the next. Before the comparison the
// line that says how many probes were attached and blank lines are dropped (see Normalize).
//
// Every case is also run with -f json: each line of its output must be as docs/output.schema.json says.
package scripts
