package check

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
	"github.com/gotrace/gotrace/lang/types"
)

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
