package dwarfinfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const typeUnitsProgram = `struct inner { int x; short y; };
struct outer { struct inner in; const char *name; struct outer *next; };
enum col { RED = 3, BLUE };
__attribute__((noinline)) int take(struct outer *o, enum col c) { __asm__ volatile("" ::: "memory"); return o->in.x + c; }
int main(void) { struct outer o = { {7, 8}, "n", 0 }; return take(&o, BLUE) == 11 ? 0 : 1; }
`

// Types may stand in units of their own, which others name by a signature: in a section of DWARF 4, among the other units in DWARF 5, and in split files.
func TestTypeUnits(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "types.c")
	if err := os.WriteFile(source, []byte(typeUnitsProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"-gdwarf-4"}, {"-gdwarf-5"}, {"-gdwarf-4", "-gsplit-dwarf"}, {"-gdwarf-5", "-gsplit-dwarf"}} {
		binary := filepath.Join(dir, flags[0]+flags[len(flags)-1])
		cmd := exec.Command("gcc", append(flags, "-g", "-O1", "-fdebug-types-section", "-o", binary, source)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: no gcc: %v: %s", err, out)
		}
		info, err := Open(binary, nil)
		if err != nil {
			t.Fatal(err)
		}
		var take *Func
		for _, entry := range info.Entries() {
			if f, ok := info.FuncAt(entry); ok && f.Name == "take" {
				take = f
			}
		}
		if take == nil || len(take.Params) != 2 {
			t.Fatalf("%v: %+v", flags, take)
		}
		outer := info.Plain(info.Plain(take.Params[0].Type).Elem)
		members := info.Members(outer)
		if outer.Name != "outer" || len(members) != 3 || info.Plain(members[0].Type).Name != "inner" || info.SizeOf(members[0].Type) != 8 {
			t.Errorf("%v: %+v %+v", flags, outer, members)
		}
		if c := info.Plain(take.Params[1].Type); c.Name != "col" || len(info.Enumerators(c)) != 2 {
			t.Errorf("%v: %+v", flags, c)
		}
		if id, ok := info.FindType("struct", "inner"); !ok || info.SizeOf(id) != 8 {
			t.Errorf("%v: no struct inner", flags)
		}
	}
}
