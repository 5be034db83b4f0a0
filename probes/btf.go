package probes

import (
	"errors"
	"fmt"
	"os"

	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

// btfDir has the types of the kernel, as "vmlinux", and of each loaded module.
const btfDir = "/sys/kernel/btf"

// kernelTypes are the types of the kernel, or of a module, as the language sees them. Each is read when it is first asked for.
type kernelTypes struct {
	file    *kbtf.File
	kernel  *kernelTypes // of a module: the kernel's, on which they build
	structs map[kbtf.ID]*types.Struct
	enums   map[kbtf.ID]*types.Enum
	own     kbtf.ID // the first type that is not the kernel's

	nullable map[string]map[string]bool // what mayBeNull found

	searches int                // for functions
	funcs    map[string]kbtf.ID // this file's functions, once there were many searches
}

// manySearches is how many searches of all types cost as much as an index of the functions.
const manySearches = 16

// find returns the first type of a name and kind, 0 if there is none. A module's own come first.
func (k *kernelTypes) find(name string, kind kbtf.Kind) (kbtf.ID, error) {
	if kind == kbtf.KindFunc {
		if k.searches++; k.searches > manySearches {
			return k.findFunction(name)
		}
	}
	ids, err := k.file.Find(name, kind)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}

// findFunction is find for functions, by an index.
func (k *kernelTypes) findFunction(name string) (kbtf.ID, error) {
	if k.funcs == nil {
		k.funcs = map[string]kbtf.ID{}
		err := k.file.Names(kbtf.KindFunc, func(id kbtf.ID, name string) bool {
			if k.funcs[name] == 0 {
				k.funcs[name] = id
			}
			return true
		})
		if err != nil {
			return 0, err
		}
	}
	if id := k.funcs[name]; id != 0 || k.kernel == nil {
		return id, nil
	}
	return k.kernel.findFunction(name)
}

// vmlinux returns the kernel's types. They are opened once.
func (e *Env) vmlinux() (*kernelTypes, error) {
	if e.types == nil && e.typesErr == nil {
		path := btfDir + "/vmlinux"
		if e.opts.BTF != "" {
			path = e.opts.BTF
		}
		e.types, e.typesErr = openTypes(path, nil)
		if errors.Is(e.typesErr, os.ErrNotExist) && e.opts.BTF == "" {
			e.typesErr = errNoBTF
		}
	}
	return e.types, e.typesErr
}

// errNoBTF is what features that need the kernel's types say without them.
var errNoBTF = errors.New("there is no " + btfDir + "/vmlinux: the kernel was built without CONFIG_DEBUG_INFO_BTF; " +
	"GOTRACE_BTF=FILE names a file with its types (BTF, as pahole makes it)")

func openTypes(path string, kernel *kernelTypes) (*kernelTypes, error) {
	k := &kernelTypes{kernel: kernel, own: 1, structs: map[kbtf.ID]*types.Struct{}, enums: map[kbtf.ID]*types.Enum{}}
	var base *kbtf.File
	if kernel != nil {
		base = kernel.file
		k.own = base.End()
	}
	var err error
	if k.file, err = kbtf.Open(path, base); err != nil {
		return nil, fmt.Errorf("reading the kernel's types: %w", err)
	}
	return k, nil
}

// module returns the types of a loaded module.
func (e *Env) module(name string) (*kernelTypes, error) {
	if k, ok := e.modules[name]; ok {
		return k, nil
	}
	kernel, err := e.vmlinux()
	if err != nil {
		return nil, err
	}
	k, err := openTypes(btfDir+"/"+name, kernel)
	if err != nil {
		return nil, err
	}
	if e.modules == nil {
		e.modules = map[string]*kernelTypes{}
	}
	e.modules[name] = k
	return k, nil
}

// typesOf returns the types that code of a module knows; "" and "vmlinux" are the kernel itself.
func (e *Env) typesOf(module string) (*kernelTypes, error) {
	if module == "" || module == "vmlinux" {
		return e.vmlinux()
	}
	return e.module(module)
}

// moduleNames are the modules that have types, in order.
func moduleNames() []string {
	entries, err := os.ReadDir(btfDir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.Name() != "vmlinux" {
			out = append(out, e.Name())
		}
	}
	return out
}

// taskStruct is struct task_struct, nil without BTF.
func (e *Env) taskStruct() *types.Struct {
	t, _ := e.Type("struct", "task_struct")
	s, _ := t.(*types.Struct)
	return s
}

// rdonlyCast is the BTF id of the kfunc bpf_rdonly_cast, 0 if the kernel has none.
func (e *Env) rdonlyCast() uint32 {
	if e.opts.BTF != "" {
		return 0 // its numbers need not be those of the running kernel
	}
	types, err := e.vmlinux()
	if err != nil {
		return 0
	}
	ids, err := types.file.Find("bpf_rdonly_cast", kbtf.KindFunc)
	if err != nil || len(ids) == 0 {
		return 0
	}
	return uint32(ids[0])
}

// keywordKinds are the kinds of type that a keyword of C introduces.
var keywordKinds = map[string][]kbtf.Kind{
	"struct": {kbtf.KindStruct},
	"union":  {kbtf.KindUnion},
	"enum":   {kbtf.KindEnum, kbtf.KindEnum64},
	"":       {kbtf.KindTypedef, kbtf.KindInt},
}

// Type finds a type of the kernel or, where that has none of the name, of a module.
func (e *Env) Type(keyword, name string) (types.Type, bool) {
	kinds, ok := keywordKinds[keyword]
	if !ok {
		return nil, false
	}
	key := keyword + " " + name
	if t, ok := e.found[key]; ok {
		return t, t != nil
	}
	t := e.findType(kinds, name)
	if e.found == nil {
		e.found = map[string]types.Type{}
	}
	e.found[key] = t
	return t, t != nil
}

func (e *Env) findType(kinds []kbtf.Kind, name string) types.Type {
	kernel, err := e.vmlinux()
	if err != nil {
		return nil
	}
	if ids, err := kernel.file.Find(name, kinds...); err == nil && len(ids) > 0 {
		return kernel.convert(ids[0])
	}
	for _, m := range moduleNames() {
		types, err := e.module(m)
		if err != nil {
			continue
		}
		if ids, err := types.file.Find(name, kinds...); err == nil && len(ids) > 0 {
			return types.convert(ids[0])
		}
	}
	return nil
}

// EnumConst finds an enumeration constant of the kernel.
func (e *Env) EnumConst(name string) (types.Int, int64, bool) {
	kernel, err := e.vmlinux()
	if err != nil {
		return types.Int{}, 0, false
	}
	id, err := kernel.file.FindValue(name)
	if err != nil || id == 0 {
		return types.Int{}, 0, false
	}
	t, err := kernel.file.Type(id)
	if err != nil {
		return types.Int{}, 0, false
	}
	values, err := t.Values()
	if err != nil {
		return types.Int{}, 0, false
	}
	for _, v := range values {
		if v.Name == name {
			i, ok := kernel.enum(t).(types.Int)
			return i, v.Value, ok
		}
	}
	return types.Int{}, 0, false
}

// Near returns names near to one that was not found: of a "struct", "union" or "enum", or of a type without a keyword ("").
func (e *Env) Near(kind, name string) []string {
	types, err := e.vmlinux()
	if err != nil {
		return nil
	}
	var names []string
	for _, k := range keywordKinds[kind] {
		_ = types.file.Names(k, func(_ kbtf.ID, n string) bool {
			names = append(names, n)
			return true
		})
	}
	return nearest(name, sortedUnique(names))
}
