package user

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"

	"github.com/gotrace/gotrace/internal/files"
	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/probes/internal/insn"
)

// functionUprobe are the targets for a function, several for the returns of a Go function, or the error that says why no probe may be there. The kernel does not look: it
// writes its breakpoint wherever it is told to.
func (e *Programs) functionUprobe(kind *builtin.ProbeKind, b *symbols.Binary, s symbols.Symbol, offset uint64) ([]lang.Target, error) {
	t, err := e.plainUprobe(kind, b, s, offset)
	if err != nil || !t.Go || s.Size == 0 {
		return []lang.Target{t}, err
	}
	return e.goFunction(b, s, t)
}

// plainUprobe is the target for a function's first instruction, or for one at an offset.
func (e *Programs) plainUprobe(kind *builtin.ProbeKind, b *symbols.Binary, s symbols.Symbol, offset uint64) (lang.Target, error) {
	t := lang.Target{Kind: kind, Path: b.Path, Func: s.Name, Offset: offset, Name: kind.Name + ":" + b.Path + ":" + s.Name,
		Go: b.IsGo(s.Name, s.Address), I386: b.I386}
	if offset != 0 {
		t.Name += fmt.Sprintf("+%d", offset)
	}
	if _, err := b.FileOffset(s.Address); err != nil {
		return t, errors.New("this symbol is no code: " + symbolKind(s.Type))
	}
	if s.Type == elf.STT_GNU_IFUNC {
		t.Note = s.Name + " only chooses which function programs call (IFUNC): the probe sees that choice, once a program, and no calls"
	}
	if e.opts.Unsafe {
		_, err := b.FileOffset(s.Address + offset)
		return t, err
	}
	switch {
	case s.Size == 0:
		return t, errors.New("this symbol has size 0: nobody knows whether an instruction begins there" + unsafeHint)
	case offset >= s.Size:
		return t, fmt.Errorf("offset %d is outside of the function, which has %d bytes", offset, s.Size)
	}
	return t, checkBoundary(e.opts.Arch, b, s.Address, offset)
}

// unsafeHint ends errors about probes that those may have who insist.
const unsafeHint = "; --unsafe attaches all the same"

// checkBoundary gives an error if it is sure that no instruction begins offset bytes into the code at addr, where one does. The
// kernel does not look: a breakpoint in the middle of an instruction makes another one of it, and the traced program goes astray.
func checkBoundary(arch string, b *symbols.Binary, addr, offset uint64) error {
	if offset == 0 {
		return nil
	}
	var code []byte
	if insn.NeedsCode(arch) {
		if offset > insn.MaxDecoded {
			return fmt.Errorf("offset %d is too far into the function to see whether an instruction begins there%s", offset, unsafeHint)
		}
		var err error
		if code, err = codeAt(b, addr, offset); err != nil {
			return err
		}
	}
	if err := insn.Boundary(arch, code, offset); err != nil {
		return fmt.Errorf("offset %d is %w: a probe there would break the program", offset, err)
	}
	return nil
}

// codeAt reads the code from an address to the end of the instruction that begins n bytes on.
func codeAt(b *symbols.Binary, addr, n uint64) ([]byte, error) {
	at, err := b.FileOffset(addr)
	if err != nil {
		return nil, err
	}
	if _, err := b.FileOffset(addr + n); err != nil {
		return nil, err
	}
	f, err := files.OpenRegular(b.Path)
	if err != nil {
		return nil, fmt.Errorf("reading the code: %w", err)
	}
	defer f.Close()
	code := make([]byte, n+insn.Longest)
	got, err := f.ReadAt(code, int64(at))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the code: %w", err)
	}
	return code[:got], nil
}

// symbolKind describes symbols that are no functions.
func symbolKind(t elf.SymType) string {
	switch t {
	case elf.STT_OBJECT, elf.STT_COMMON:
		return "it names data"
	case elf.STT_TLS:
		return "it names a variable of threads"
	}
	return "its address is not in the code of the file"
}

// leftOut are the functions that a wildcard matches and that no probe may be on.
type leftOut struct {
	names []string
	first error
}

func (l *leftOut) add(name string, err error) {
	if l.first == nil {
		l.first = err
	}
	l.names = append(l.names, name)
}

// note adds to a target's note what was left out.
func (l *leftOut) note(other string) string {
	if len(l.names) == 0 {
		return other
	}
	text := fmt.Sprintf("left out: %s: %v", l.names[0], l.first)
	if n := len(l.names) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more functions)", n)
	}
	return text
}
