package langtest

import (
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// signature is a function of the kernel: its parameters, and the type that it returns.
type signature struct {
	params []types.Field
	result types.Type
}

// buildFunctions makes functions with the parameters that those of a Linux 6.12 have. What others have is not known.
func (e *Env) buildFunctions() {
	ptr := func(name string) types.Type { return types.Pointer{Elem: e.structs[name]} }
	chars := types.Pointer{Elem: i8}
	file, count := types.Field{Name: "file", Type: ptr("file")}, types.Field{Name: "count", Type: u64}
	pos := types.Field{Name: "pos", Type: types.Pointer{Elem: i64}}
	e.funcs = map[string]signature{
		"security_file_open": {[]types.Field{file}, i32},
		"vfs_read":           {[]types.Field{file, {Name: "buf", Type: chars}, count, pos}, i64},
		"vfs_write":          {[]types.Field{file, {Name: "buf", Type: chars}, count, pos}, i64},
		"vfs_open":           {[]types.Field{{Name: "path", Type: ptr("path")}, file}, i32},
		"ksys_lseek":         {[]types.Field{{Name: "fd", Type: u32}, {Name: "offset", Type: i64}, {Name: "whence", Type: u32}}, i64},
		"__dev_queue_xmit":   {[]types.Field{{Name: "skb", Type: ptr("sk_buff")}, {Name: "sb_dev", Type: types.Pointer{Elem: types.Void{}}}}, i32},
		"ip_send_skb":        {[]types.Field{{Name: "net", Type: types.Pointer{Elem: types.Void{}}}, {Name: "skb", Type: ptr("sk_buff")}}, i32},
		"udp_sendmsg":        {[]types.Field{{Name: "sk", Type: ptr("sock")}, {Name: "msg", Type: types.Pointer{Elem: types.Void{}}}, {Name: "len", Type: u64}}, i32},
		"do_filp_open": {[]types.Field{{Name: "dfd", Type: i32}, {Name: "pathname", Type: types.Pointer{Elem: types.Void{}}},
			{Name: "op", Type: types.Pointer{Elem: types.Void{}}}}, ptr("file")},
	}
}

// tracedArgs are a function's arguments in the context of a tracing program, and its result.
func (e *Env) tracedArgs(t *lang.Target) (*types.Struct, types.Type) {
	f := e.funcs[t.Func]
	fields := make([]types.Field, 0, len(f.params))
	for i, p := range f.params {
		p.Offset = location.WordSize * i
		if ptr, ok := p.Type.(types.Pointer); ok && !types.Is(ptr.Elem, types.KindStruct) {
			p.Loc = location.Traced{Word: i, Size: location.WordSize}
		}
		fields = append(fields, p)
	}
	args := types.NewArgs(t.Func, location.WordSize*len(fields), fields)
	if !t.Kind.Return {
		return args, nil
	}
	return args, f.result
}

// registerArgs are a function's arguments in the registers of its call, and its result.
func (e *Env) registerArgs(t *lang.Target) (*types.Struct, types.Type) {
	f, ok := e.funcs[t.Func]
	switch {
	case !ok:
		return nil, nil
	case t.Kind.Return:
		return nil, f.result
	}
	conv := location.Of(e.KernelInfo.Arch, false)
	fields := make([]types.Field, 0, len(f.params))
	for i, p := range f.params {
		p.Loc = location.Sized(conv.Arg(i, false), p.Type.Size(), types.AsInt(p.Type).Signed)
		fields = append(fields, p)
	}
	return types.NewArgs(t.Func, 0, fields), nil
}
