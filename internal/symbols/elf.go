package symbols

import (
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"syscall"

	"github.com/gotrace/gotrace/internal/files"
)

// Binary is what is known of an ELF file: its functions and where they lie in it.
type Binary struct {
	Path    string
	Movable bool     // position-independent: where it lies in memory is not known from the file
	symbols []Symbol // by name, then by address
	code    []elf.ProgHeader
	buildID string // in hexadecimal, "" if it has none
	goCode  *goCode
	I386    bool // 32-bit x86 code
}

// Open reads an executable or a shared library. Where it was stripped, its functions come from its debug file, which
// is found by its build id.
func Open(path string) (*Binary, error) {
	b, err := parseFile(path, parseBinary)
	if err != nil {
		return nil, err
	}
	b.Path = path
	if debug, err := b.debugFile(); err == nil {
		b.symbols = uniqueSymbols(append(b.symbols, debug.symbols...))
	}
	return b, nil
}

// OpenFlat takes a file that is no ELF file for code, as it is: a virtual address is an offset in the file. Programs that make
// code ahead of time map such files.
func OpenFlat(path string) (*Binary, error) {
	r, err := files.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	return &Binary{Path: path, code: []elf.ProgHeader{{Type: elf.PT_LOAD, Flags: elf.PF_X, Filesz: uint64(info.Size())}}}, nil
}

// parseFile opens an ELF file and has it parsed.
func parseFile[T any](path string, parse func(*elfFile) (T, error)) (T, error) {
	var none T
	r, err := files.OpenRegular(path)
	if err != nil {
		return none, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return none, err
	}
	out, err := parseELF(r, contentSize(info), parse)
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// debugFile reads the file that distributions install a binary's symbols in.
func (b *Binary) debugFile() (*Binary, error) {
	if len(b.buildID) < 3 {
		return nil, os.ErrNotExist
	}
	return parseFile(filepath.Join("/usr/lib/debug/.build-id", b.buildID[:2], b.buildID[2:]+".debug"), parseBinary)
}

// sparseRatio is how much better than this no file system compresses a binary; sparseFloor is what it may keep elsewhere.
const (
	sparseRatio = 64
	sparseFloor = 1 << 20
)

// contentSize is an upper bound of the bytes that a file really has: the holes of a sparse file are none. Some file systems do
// not tell how many blocks they use.
func contentSize(info os.FileInfo) int64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Blocks <= 0 || st.Blocks > math.MaxInt64/(512*sparseRatio)-sparseFloor {
		return info.Size()
	}
	return min(info.Size(), st.Blocks*512*sparseRatio+sparseFloor)
}

// ErrNotBinary is wrapped by errors about files that are not ELF executables or libraries of this machine.
var ErrNotBinary = errors.New("not an ELF executable or shared library")

// hints name what files begin with that are taken for binaries.
var hints = []struct{ magic, what string }{
	{"#!", "a script; probe its interpreter"},
	{"\x1f\x8b", "compressed by gzip"},
	{"BZh", "compressed by bzip2"},
	{"\xfd7zXZ", "compressed by xz"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd"},
	{"PK", "a ZIP archive"},
	{"!<arch>", "a static library"},
}

// elfFile is an ELF file while it is parsed.
type elfFile struct {
	*elf.File
	r      io.ReaderAt
	size   int64 // no section has more bytes
	budget *budget
}

// program gives an error for ELF files that are no programs and no libraries.
func (f *elfFile) program() error {
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("%w but %v", ErrNotBinary, f.Type)
	}
	return nil
}

// ParseBinary reads an ELF file whose content has at most size bytes.
func ParseBinary(r io.ReaderAt, size int64) (*Binary, error) { return parseELF(r, size, parseBinary) }

func parseELF[T any](r io.ReaderAt, size int64, parse func(*elfFile) (T, error)) (out T, err error) {
	// debug/elf does not promise to survive every broken file (go.dev/issue/33121 and others): a panic
	// of its is a broken file, not a mistake of ours, and this is the only place where it is called.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: broken: %v", ErrNotBinary, p)
		}
	}()
	var magic [8]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return out, fmt.Errorf("%w: too short", ErrNotBinary)
	}
	for _, h := range hints {
		if string(magic[:len(h.magic)]) == h.magic {
			return out, fmt.Errorf("%w but %s", ErrNotBinary, h.what)
		}
	}
	if string(magic[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return out, ErrNotBinary
	}
	headers := &budget{r: r, left: maxHeaders}
	f, err := elf.NewFile(headers)
	if err != nil {
		return out, fmt.Errorf("%w: %w", ErrNotBinary, err)
	}
	defer f.Close()
	return parse(&elfFile{f, r, size, headers})
}

// maxHeaders bounds what debug/elf reads: headers, names of sections, and notes. It believes the numbers in the file.
const maxHeaders = 16 << 20

// budget is a reader of a limited number of bytes.
type budget struct {
	r    io.ReaderAt
	left int64
}

var errHeaders = fmt.Errorf("broken: more than %d bytes of headers", maxHeaders)

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errHeaders
	}
	return b.r.ReadAt(p, off)
}

func parseBinary(f *elfFile) (*Binary, error) {
	if err := f.program(); err != nil {
		return nil, err
	}
	b := &Binary{Movable: f.Type == elf.ET_DYN, buildID: buildID(f.File), I386: f.Machine == elf.EM_386}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			b.code = append(b.code, p.ProgHeader)
		}
	}
	err := f.eachSymbol(func(s elf.Symbol) {
		if isFunction(s) {
			b.symbols = append(b.symbols, Symbol{s.Name, s.Value, s.Size, elf.ST_TYPE(s.Info)})
		}
	})
	if err != nil {
		return nil, err
	}
	b.symbols = uniqueSymbols(b.symbols)
	if b.goCode = findGoCode(f, b); b.goCode != nil && b.goCode.to == ^uint64(0) {
		functions, _ := f.goFunctions() // without them it is a program without symbols
		b.symbols = uniqueSymbols(append(b.symbols, functions...))
	}
	return b, nil
}

// maxNotes bounds what is read of a section of notes.
const maxNotes = 4096

// buildID finds the NT_GNU_BUILD_ID note: u32 length of the name, of the data, type; "GNU\0"; the data.
func buildID(f *elf.File) string {
	s := f.Section(".note.gnu.build-id")
	if s == nil || s.Size > maxNotes || s.Type != elf.SHT_NOTE {
		return ""
	}
	data, err := s.Data()
	if err != nil || len(data) < 16 || string(data[12:16]) != "GNU\x00" {
		return ""
	}
	n := f.ByteOrder.Uint32(data[4:])
	return hex.EncodeToString(data[16:][:min(int(n), len(data)-16)])
}

// Functions returns the functions, sorted by name.
func (b *Binary) Functions() []Symbol { return b.symbols }

// Symbol finds a function by name.
func (b *Binary) Symbol(name string) (Symbol, bool) {
	i := sort.Search(len(b.symbols), func(i int) bool { return b.symbols[i].Name >= name })
	if i < len(b.symbols) && b.symbols[i].Name == name {
		return b.symbols[i], true
	}
	return Symbol{}, false
}

// FileOffset is where in the file the code of a virtual address lies.
func (b *Binary) FileOffset(addr uint64) (uint64, error) {
	for _, p := range b.code {
		if addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, nil
		}
	}
	return 0, fmt.Errorf("address %#x is not in the code of %s", addr, b.Path)
}

// Enclosing is the function that an address lies in.
func (b *Binary) Enclosing(addr uint64) (Symbol, bool) {
	for _, s := range b.symbols {
		if addr >= s.Address && addr-s.Address < s.Size {
			return s, true
		}
	}
	return Symbol{}, false
}
