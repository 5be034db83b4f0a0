package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/names"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
	"github.com/gotrace/gotrace/lang/types"
)

// messageResults are the functions that tell something, while the script runs or is compiled.
func messageResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{
		"assert":     (*checker).assert,
		"assert_str": (*checker).assertStr,
		"cat":        (*checker).printf,
		"debugf":     (*checker).debugf,
		"errorf":     (*checker).printf,
		"fail":       (*checker).fail,
		"join":       (*checker).join,
		"system":     (*checker).printf,
		"warnf":      (*checker).printf,
	}
}

func (c *checker) assert(e *ast.Call) types.Type {
	c.condition(e.Args[0])
	if t := c.value(e.Args[1]); t != nil && !printable(t) {
		c.report(errPrinted(e.Args[1], t))
	}
	return types.None{}
}

// assertStr is about a type alone.
func (c *checker) assertStr(e *ast.Call) types.Type {
	if t := c.typeOfValue(e.Args[0]); t != nil && !isText(t) {
		c.report(source.Errorf(e.Args[0], "assert-str", "this is a %s, not a string, an array of characters or the address of one", t))
	}
	return types.None{}
}

// join takes the address of an array of addresses.
func (c *checker) join(e *ast.Call) types.Type {
	t := c.value(e.Args[0])
	if t != nil && !types.Is(t, types.KindPointer) && !types.Is(t, types.KindInt) {
		c.report(errArgType(e.Args[0], e.Name, "the address of an array of strings", t))
	}
	if len(e.Args) > 1 {
		if sep, ok := c.constText(e, 1); ok && len(sep) > maxSeparator {
			c.report(source.Errorf(e.Args[1], "out-of-range", "the separator of join() has up to %d characters", maxSeparator))
		}
	}
	return types.None{}
}

// maxSeparator is the longest separator of join().
const maxSeparator = 64

// kernelVerbs are the conversions of bpf_trace_printk that every kernel has, with what they show.
var kernelVerbs = map[string]types.Show{"d": types.ShowNumber, "i": types.ShowNumber, "u": types.ShowNumber, "x": types.ShowNumber, "p": types.ShowNumber, "s": types.ShowText}

// maxDebugArgs is how many values debugf() takes: MAX_BPRINTF_VARARGS (include/linux/bpf.h).
const maxDebugArgs = 12

// debugf is formatted by the kernel, which can do less.
func (c *checker) debugf(e *ast.Call) types.Type {
	before := c.mistakes + len(c.diags)
	c.printf(e)
	if c.mistakes+len(c.diags) == before {
		if c.env.Kernel().AtLeast(5, 13) {
			c.kernelFormat(e, "debugf()", "it has %d, %u, %x, %p and %s, with widths", true)
		} else {
			c.kernelFormat(e, "debugf()", "it has %d, %u, %x, %p and %s, without widths", false)
		}
	}
	return types.None{}
}

// kernelFormat checks what the kernel formats, which has widths in some places and no precisions.
func (c *checker) kernelFormat(e *ast.Call, what, hint string, widths bool) {
	format, ok := c.constText(e, 0)
	if !ok {
		return
	}
	if len(e.Args)-1 > maxDebugArgs {
		c.report(source.Errorf(e.Args[maxDebugArgs+1], "argument-count", "%s takes up to %d values: the kernel formats them", what, maxDebugArgs))
	}
	items, _ := syntax.ParseFormat(format)
	n := 0
	for _, it := range items {
		if it.Verb == "" {
			continue
		}
		n++
		show, ok := kernelVerbs[it.Verb]
		switch t := c.p.Types[e.Args[n]]; {
		case !ok || !widths && it.Flags+it.Width != "" || strings.Trim(it.Flags, "0+- ")+it.Prec != "" || it.Width == "*":
			c.report(source.Errorf(e.Args[0], "bad-format", "%s cannot do %s: the kernel formats it", what, it.Text).WithHint("%s", hint))
		case t != nil && show == types.ShowText && !types.Is(t, types.KindString):
			c.report(source.Errorf(e.Args[n], "format-type", "%s shows only strings by %%s, not a %s", what, t))
		}
	}
}

// pinned says whether the probe is an iterator that runs when somebody reads its file, after the script has ended.
func (c *checker) pinned() bool {
	return c.p.Kind.Nullable && len(c.p.Targets) > 0 && c.p.Targets[0].Path != ""
}

// readByUs are functions of which user space does a part: nobody is there when a pinned iterator runs.
var readByUs = map[string]bool{"print": true, "errorf": true, "warnf": true, "cat": true, "system": true, "join": true, "time": true, "clear": true, "zero": true,
	"exit": true, "assert": true}

// pinnedCall checks a call in the probe of a pinned iterator.
func (c *checker) pinnedCall(e *ast.Call) {
	switch {
	case readByUs[e.Name]:
		c.report(source.Errorf(e, "pinned", "%s() does not work in an iterator that is pinned: it runs when its file is read, and gotrace has ended then", e.Name).
			WithHint("printf() writes to the file"))
	case e.Name == "printf":
		c.kernelFormat(e, "printf() in an iterator that is pinned", "it has %d, %u, %x, %p and %s, with widths", true)
	}
}

// fail stops the compilation where it can be reached.
func (c *checker) fail(e *ast.Call) types.Type {
	before := c.mistakes + len(c.diags)
	c.printf(e)
	format, ok := c.constText(e, 0)
	if !ok || c.mistakes+len(c.diags) > before || c.unreached > 0 {
		return types.None{}
	}
	text, unknown := c.formatted(e, format)
	if unknown != nil {
		c.report(errNotConstant(unknown, e.Name, "values"))
		return types.None{}
	}
	c.report(source.Errorf(e, "fail", "%s", text))
	return types.None{}
}

// formatted is a format with the values of constants; unknown is the first that is none.
func (c *checker) formatted(e *ast.Call, format string) (text string, unknown ast.Expr) {
	var b strings.Builder
	items, _ := syntax.ParseFormat(format)
	args := e.Args[1:]
	for _, it := range items {
		if it.Verb == "" {
			b.WriteString(it.Text)
			continue
		}
		k, ok := c.p.Consts[args[0]]
		if !ok {
			return "", args[0]
		}
		b.WriteString(formatConst(it, k, c.p.Types[args[0]]))
		args = args[1:]
	}
	return strings.TrimRight(b.String(), "\n"), nil
}

// formatConst is a constant as a conversion shows it.
func formatConst(it syntax.FormatItem, k types.Const, t types.Type) string {
	spec := "%" + it.Flags + it.Width
	if it.Prec != "" {
		spec += "." + it.Prec
	}
	switch {
	case k.Str != nil:
		return fmt.Sprintf(spec+"s", *k.Str)
	case types.Is(t, types.KindBool) && it.Verb == "s":
		return fmt.Sprintf(spec+"t", k.Int != 0)
	case it.Verb == "c":
		return fmt.Sprintf(spec+"s", string([]byte{byte(k.Int)}))
	case it.Verb == "x", it.Verb == "X", it.Verb == "o":
		return fmt.Sprintf(spec+it.Verb, k.Int)
	case it.Verb == "p":
		return fmt.Sprintf("%#x", k.Int)
	}
	return fmt.Sprintf("%"+it.Width+"s", integer(k, t).String())
}

// valueResults are the functions that make a value of another.
func valueResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{
		"clamp":        (*checker).clamp,
		"find":         (*checker).findElement,
		"is_err":       (*checker).isErr,
		"path":         (*checker).path,
		"signal_name":  (*checker).named,
		"strerror":     (*checker).named,
		"syscall_name": (*checker).named,
	}
}

// NameTable has the names that a function gives.
func NameTable(fn, arch string) *names.Table {
	switch fn {
	case "strerror":
		return names.Errors()
	case "signal_name":
		return names.Signals()
	}
	return names.Syscalls(arch)
}

// NumberOf is the number that a function looks for: an error of the kernel is a negative one.
func NumberOf(fn string, n int64) int64 {
	if n = int64(int32(n)); fn == "strerror" && n < 0 {
		return -n
	}
	return n
}

// named is the name of a number.
func (c *checker) named(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	t := c.integer(e.Args[0])
	if t == nil {
		return nil
	}
	table := NameTable(e.Name, c.env.Kernel().Arch)
	if k, ok := c.constInt(e.Args[0]); ok {
		return c.strConst(e, table.Name(NumberOf(e.Name, int64(k.Int))))
	}
	return types.String{Len: table.Size}
}

func (c *checker) isErr(e *ast.Call) types.Type {
	if t := c.value(e.Args[0]); t != nil && !types.Is(t, types.KindPointer) && !types.Is(t, types.KindInt) {
		c.report(errArgType(e.Args[0], e.Name, "a pointer", t))
		return nil
	}
	return types.Bool{}
}

// clamp has the type that holds all three.
func (c *checker) clamp(e *ast.Call) types.Type {
	delete(c.p.Consts, e)
	var t types.Type
	for _, arg := range e.Args {
		a := c.integer(arg)
		if a == nil {
			return nil
		}
		i := types.AsInt(a)
		if t == nil {
			t = i
		} else if w, ok := types.Widen(t, i); ok {
			t = w
		}
	}
	return types.Plain(types.AsInt(t))
}

// findElement reads an element into a variable.
func (c *checker) findElement(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	v, ok := e.Args[2].(*ast.Var)
	if ref == nil {
		return nil
	}
	if !ok {
		c.report(source.Errorf(e.Args[2], "argument-type", "find() puts the value into a variable: $NAME"))
		return nil
	}
	c.checkDefined(ref, m)
	c.read(&m.cell)
	if agg, isAgg := m.Value.(types.Agg); isAgg {
		c.report(source.Errorf(ref, "argument-type", "find() cannot read %s() out of @%s", agg.Kind, m.Name).
			WithHint("has_key(@%s, …) says whether there is an element", m.Name))
		return nil
	}
	s := c.assigned(v)
	c.assignType(s, v, m.Value)
	if s.Type != nil {
		c.p.Types[v] = s.Type
	}
	short := *e
	short.Args = e.Args[:2]
	if !c.elementKey(&short, ref, m) {
		return nil
	}
	return types.Bool{}
}

// path is a string that the kernel makes of a struct path, where the verifier lets it.
func (c *checker) path(e *ast.Call) types.Type {
	t := c.value(e.Args[0])
	size := c.maxStr()
	if len(e.Args) > 1 {
		n, ok := c.constNumber(e, 1)
		if !ok {
			return nil
		}
		if n < 1 {
			c.report(source.Errorf(e.Args[1], "out-of-range", "the length of a path is 1 or more"))
			return nil
		}
		size = int(min(n, int64(size)))
	}
	if t == nil {
		return nil
	}
	if s := structBehind(t); s == nil || s.Name != "path" {
		c.report(errArgType(e.Args[0], e.Name, "a struct path or a pointer to one", t))
		return nil
	}
	return types.String{Len: size}
}

// printf checks the format against the arguments.
func (c *checker) printf(e *ast.Call) types.Type {
	format, ok := c.constText(e, 0)
	ts := make([]types.Type, len(e.Args)-1)
	for i, x := range e.Args[1:] {
		ts[i] = c.value(x)
	}
	if !ok {
		return types.None{}
	}
	items, odd := syntax.ParseFormat(format)
	n := 0
	for _, it := range items {
		if it.Verb == "" {
			continue
		}
		if tooWide(it.Width) || tooWide(it.Prec) {
			c.report(source.Errorf(e.Args[0], "bad-format", "%s asks for more than %d characters", source.CutText(it.Text), syntax.MaxField))
		}
		if n < len(ts) && ts[n] != nil {
			c.conversion(e.Args[n+1], it, ts[n])
		}
		n++
	}
	switch {
	case odd != nil && (odd.Bad || n != len(ts)):
		c.report(c.errConversion(e.Args[0], odd))
	case n != len(ts):
		c.report(errFormatCount(e, n, len(ts)))
	}
	return types.None{}
}

// tooWide says whether a width or a precision is larger than any that makes sense.
func tooWide(digits string) bool {
	n, err := strconv.Atoi(digits)
	return digits != "" && (err != nil || n > syntax.MaxField)
}

// errConversion is about what is no conversion of a format, at its place in the literal where there is one.
func (c *checker) errConversion(e ast.Expr, n *syntax.NoConversion) source.Diagnostic {
	d := source.Errorf(e, "bad-format", "%s is no conversion", n.Text).WithHint("write %%%% for a percent sign")
	if strings.HasSuffix(n.Text, "*") {
		d = source.Errorf(e, "bad-format", "a * in a conversion is not supported").WithHint("write the number: %%8d, %%.3s")
	}
	if span := e.Range(); isWrittenString(e) && span.Pos.Line == span.EndPos.Line && c.out.Source != nil {
		text := string(c.out.Source.At(span.Pos).Text[span.Pos.Offset:span.EndPos.Offset])
		d.Span = source.Within(span.Pos, literal.WrittenAt(text, n.Start), literal.WrittenAt(text, n.End))
	}
	return d
}

func isWrittenString(e ast.Expr) bool { _, ok := e.(*ast.StrLit); return ok }

// conversions are those that show no numbers.
var conversions = map[string]types.Show{"s": types.ShowText, "gr": types.ShowFlags, "r": types.ShowBytes, "rx": types.ShowBytes, "rh": types.ShowBytes}

// conversion checks a value for a conversion of a format. %s shows any value as print() does.
func (c *checker) conversion(e ast.Expr, it syntax.FormatItem, t types.Type) {
	shows, special := conversions[it.Verb]
	if !special {
		shows = types.ShowNumber
	}
	switch p, isPointer := t.(types.Pointer); {
	case !types.Shows(t, shows) || shows == types.ShowText && !printable(t):
		c.reportNumber(errConversion(e, it.Text, t), e)
	case isPointer && it.Verb == "s" && types.SameType(p.Elem, types.Int{Bits: 8, Signed: true}):
		c.report(source.Warningf(e, "pointer-printed", "%%s shows the address of the string that this points to").
			WithHint("str(…) reads the string"))
	}
}

// print checks print(@map, top, div), print(@map[key]) and print(value).
func (c *checker) print(e *ast.Call) types.Type {
	ref, isMap := e.Args[0].(*ast.MapRef)
	if isMap && !ref.Indexed {
		m := c.mapUse(ref)
		c.read(&m.cell)
		c.checkDefined(ref, m)
		for i := range e.Args[1:] {
			if n, ok := c.constNumber(e, i+1); ok && n < 0 {
				c.report(source.Errorf(e.Args[i+1], "out-of-range", "this number of print() is not negative"))
			}
		}
		if m.Value != nil {
			c.p.Types[ref] = m.Value
		}
		return types.None{}
	}
	if len(e.Args) > 1 {
		c.report(source.Errorf(e.Args[1], "argument-count", "only whole maps take more arguments in print()"))
		return types.None{}
	}
	var t types.Type
	if isMap {
		t = c.element(ref)
		if t != nil {
			c.p.Types[ref] = t
		}
	} else {
		t = c.value(e.Args[0])
	}
	if t != nil && !printable(t) {
		c.report(errPrinted(e.Args[0], t))
	}
	return types.None{}
}

// maxPrinted is the largest value that is printed, in bytes: a record of it must fit the ring buffer many times.
const maxPrinted = 1 << 16

// printable says whether print() and %s show a value.
func printable(t types.Type) bool { return types.Shows(t, types.ShowText) && t.Size() <= maxPrinted }
