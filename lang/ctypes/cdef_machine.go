package ctypes

import (
	"math"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// What scripts know of the machine without any header: macros that a compiler predefines, the kernel's version and settings, and the
// constants of the kernel's interface, from a table made of its headers (uapi.txt).

// commonMacros are macros that C compilers predefine on all our machines.
var commonMacros = map[string]string{
	"__linux__": "1", "__linux": "1", "linux": "1", "__unix__": "1", "__ELF__": "1", "__LP64__": "1", "_LP64": "1",
	"__STDC__": "1", "__STDC_VERSION__": "201112L", "__STDC_HOSTED__": "1", "__GNUC__": "12", "__GNUC_MINOR__": "2",
	"__CHAR_BIT__": "8", "__SIZEOF_SHORT__": "2", "__SIZEOF_INT__": "4", "__SIZEOF_LONG__": "8", "__SIZEOF_LONG_LONG__": "8",
	"__SIZEOF_POINTER__": "8", "__SIZEOF_SIZE_T__": "8", "__SIZEOF_INT128__": "16",
	"__ORDER_LITTLE_ENDIAN__": "1234", "__ORDER_BIG_ENDIAN__": "4321", "__BYTE_ORDER__": "1234",
	"__INT_MAX__": "0x7fffffff", "__LONG_MAX__": "0x7fffffffffffffffL", "__SHRT_MAX__": "0x7fff", "__SCHAR_MAX__": "0x7f",
	"__SIZE_TYPE__": "unsigned long", "__PTRDIFF_TYPE__": "long", "__WCHAR_TYPE__": "int", "__WINT_TYPE__": "unsigned int",
	"__INTPTR_TYPE__": "long", "__UINTPTR_TYPE__": "unsigned long",
	"__builtin_va_list": "void *",
}

// archMacros are those of one architecture.
var archMacros = map[string]map[string]string{
	"amd64": {"__x86_64__": "1", "__x86_64": "1", "__amd64__": "1", "__amd64": "1"},
	"arm64": {"__aarch64__": "1", "__ARM_64BIT_STATE": "1", "__AARCH64EL__": "1"},
}

// fileKinds are the macros that ask for the kind of a file, with the bits that say so.
var fileKinds = map[string]string{
	"S_ISREG": "S_IFREG", "S_ISDIR": "S_IFDIR", "S_ISLNK": "S_IFLNK", "S_ISCHR": "S_IFCHR", "S_ISBLK": "S_IFBLK",
	"S_ISFIFO": "S_IFIFO", "S_ISSOCK": "S_IFSOCK",
}

// numberLimits are the names that C (limits.h, stdint.h) and the kernel (linux/limits.h) have for the limits of types.
var numberLimits = map[string]types.Const{
	"CHAR_BIT": number(8), "SCHAR_MIN": number(math.MinInt8), "SCHAR_MAX": number(math.MaxInt8), "UCHAR_MAX": number(math.MaxUint8),
	"SHRT_MIN": number(math.MinInt16), "SHRT_MAX": number(math.MaxInt16), "USHRT_MAX": number(math.MaxUint16),
	"INT_MIN": number(math.MinInt32), "INT_MAX": number(math.MaxInt32), "UINT_MAX": number(math.MaxUint32),
	"LONG_MIN": number(math.MinInt64), "LONG_MAX": number(math.MaxInt64), "ULONG_MAX": largest,
	"LLONG_MIN": number(math.MinInt64), "LLONG_MAX": number(math.MaxInt64), "ULLONG_MAX": largest,
	"INT8_MIN": number(math.MinInt8), "INT8_MAX": number(math.MaxInt8), "UINT8_MAX": number(math.MaxUint8),
	"INT16_MIN": number(math.MinInt16), "INT16_MAX": number(math.MaxInt16), "UINT16_MAX": number(math.MaxUint16),
	"INT32_MIN": number(math.MinInt32), "INT32_MAX": number(math.MaxInt32), "UINT32_MAX": number(math.MaxUint32),
	"INT64_MIN": number(math.MinInt64), "INT64_MAX": number(math.MaxInt64), "UINT64_MAX": largest,
	"S8_MIN": number(math.MinInt8), "S8_MAX": number(math.MaxInt8), "U8_MAX": number(math.MaxUint8),
	"S16_MIN": number(math.MinInt16), "S16_MAX": number(math.MaxInt16), "U16_MAX": number(math.MaxUint16),
	"S32_MIN": number(math.MinInt32), "S32_MAX": number(math.MaxInt32), "U32_MAX": number(math.MaxUint32),
	"S64_MIN": number(math.MinInt64), "S64_MAX": number(math.MaxInt64), "U64_MAX": largest,
	"SIZE_MAX": largest, "SSIZE_MAX": number(math.MaxInt64),
}

var largest = types.Const{Int: math.MaxUint64, Unsigned: true}

func number(n int64) types.Const { return types.Const{Int: uint64(n)} }

func (c *Types) arch() string {
	if c.kernel == nil {
		return ""
	}
	return c.kernel.Arch
}

// predefined is a macro that no text defines, nil if there is none. It is made once.
func (c *Types) predefined(name string) *CDefine {
	if strings.IndexByte("_lLKBCHPMS", name[0]) < 0 {
		return nil
	}
	text, ok := c.predefinedText(name)
	if !ok {
		return nil
	}
	d := &CDefine{}
	tokens, err := cTokens(&cFile{Text: name + text}, 0, len(name)+len(text))
	if err == nil {
		d.tokens = tokens[1:]
		if strings.HasPrefix(text, "(") {
			d.call = true
			err = d.readParams(tokens[2:], tokens[1])
		}
	}
	if err != nil {
		return nil
	}
	c.defines[name] = d
	return d
}

// predefinedText is what follows the name of a predefined macro in its #define.
func (c *Types) predefinedText(name string) (string, bool) {
	if text, ok := commonMacros[name]; ok {
		return " " + text, true
	}
	if text, ok := archMacros[c.arch()][name]; ok {
		return " " + text, true
	}
	if c.kernel == nil {
		return "", false
	}
	switch name {
	case "BPFTRACE_HAVE_BTF":
		// Scripts ask for it to leave out what BTF gives them.
		return " 1", c.kernel.BTF
	case "LINUX_VERSION_CODE":
		return " " + strconv.FormatUint(uint64(c.kernel.Version), 10), true
	case "KERNEL_VERSION": // include/generated/uapi/linux/version.h
		return "(major, minor, patch) ((major) * 65536 + (minor) * 256 + ((patch) < 255 ? (patch) : 255))", true
	case "HZ":
		return c.setting("HZ")
	case "PAGE_SHIFT":
		return c.pageShift(), true
	case "PAGE_SIZE":
		return " (1L <<" + c.pageShift() + ")", true
	}
	if kind, ok := fileKinds[name]; ok { // include/uapi/linux/stat.h
		return "(mode) (((mode) & S_IFMT) == " + kind + ")", true
	}
	setting, ok := strings.CutPrefix(name, "CONFIG_")
	if !ok {
		return "", false
	}
	return c.setting(setting)
}

// setting is a setting of the kernel's build as the kernel's own macros have it (include/generated/autoconf.h).
func (c *Types) setting(name string) (string, bool) {
	if c.kernel.Config == nil {
		return "", false
	}
	if module, ok := strings.CutSuffix(name, "_MODULE"); ok {
		if v, ok := c.kernel.Config(module); ok && v == "m" {
			return " 1", true
		}
	}
	v, ok := c.kernel.Config(name)
	switch {
	case !ok || v == "n" || v == "m":
		return "", false
	case v == "y":
		v = "1"
	}
	return " " + v, true
}

// pageShift is the size of a page as a power of two: 12 but for arm64 kernels that are built otherwise.
func (c *Types) pageShift() string {
	if c.arch() == "arm64" {
		for _, name := range []string{"PAGE_SHIFT", "ARM64_PAGE_SHIFT"} {
			if v, ok := c.setting(name); ok {
				return v
			}
		}
	}
	return " 12"
}

// tableConst is a constant of the kernel's interface.
func (c *Types) tableConst(name string) (int64, bool) {
	if c.System == nil && len(c.searchDirs) > 0 {
		return 0, false // the headers themselves are being read
	}
	return uapiConst(c.arch(), name)
}
