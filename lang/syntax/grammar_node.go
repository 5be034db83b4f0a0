package syntax

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

func (f *letStmt) node() *ast.Let {
	let := &ast.Let{Span: f.Span, Var: f.Var, Value: f.Value}
	if f.Type != nil {
		let.Type = f.Type.(*ast.TypeName)
	}
	return let
}

// node makes the chain of If nodes, the last arm first.
func (f *ifStmt) node() (*ast.If, error) {
	if len(f.Elifs) > maxDepth {
		return nil, errorOn(f.Elifs[maxDepth].Span, "too-deep", "too many 'else if' in a row")
	}
	var tail ast.Stmt
	if f.Else != nil {
		tail = f.Else
	}
	for i := len(f.Elifs) - 1; i >= 0; i-- {
		arm := f.Elifs[i]
		span := source.Span{Pos: arm.Pos, EndPos: f.EndPos}
		tail = &ast.If{Span: span, Cond: arm.Cond, Then: arm.Then, Else: tail}
	}
	return &ast.If{Span: f.Span, Cond: f.Cond, Then: f.Then, Else: tail}, nil
}

func (f *forStmt) node() (ast.Stmt, error) {
	head := f.Head
	if head.End != nil {
		return &ast.ForRange{Span: f.Span, Var: head.Var, Start: head.First, End: head.End, Body: f.Body}, nil
	}
	m, ok := head.First.(*ast.MapRef)
	if !ok || m.Indexed {
		return nil, errorOn(head.First.Range(), "bad-loop", "a for loop goes over a range or over a whole map").
			withHint("for ($i : 0..10) { … } or for ($kv : @map) { … }")
	}
	return &ast.ForMap{Span: f.Span, Var: head.Var, Map: m, Body: f.Body}, nil
}

func (f *importDecl) node() *ast.Import {
	path, _ := literal.Unquote(f.Path)
	return &ast.Import{Span: f.Span, Path: path}
}

func (f *mapDecl) node() (*ast.MapDecl, error) {
	size, ok := f.Size.(*ast.IntLit)
	if !ok || int64(size.Value) <= 0 {
		return nil, errorOn(f.Size.Range(), "bad-map-size", "the size of a map is a positive integer")
	}
	return &ast.MapDecl{Span: f.Span, Name: f.Name, Kind: f.Kind, Size: int64(size.Value)}, nil
}

func (f *funcDecl) node() (*ast.Func, error) {
	fn := &ast.Func{Span: f.Span, Name: f.Name, Result: &ast.TypeName{Span: f.Span, Name: "void"}, Body: f.Body}
	if f.Result != nil {
		fn.Result = f.Result.(*ast.TypeName)
	}
	for _, param := range f.Params {
		fn.Params = append(fn.Params, &ast.FuncParam{Span: param.Span, Var: param.Var, Type: param.Type.(*ast.TypeName)})
	}
	return fn, nil
}

// ParseAttachPoint reads one attach point, as `-l` takes it. Positional parameters are replaced from params.
func ParseAttachPoint(text string, params []string) *ast.AttachPoint {
	ap := &ast.AttachPoint{Text: text}
	splitPoint(ap, params)
	return ap
}

// splitPoint takes the attach point's text apart, which is all that the grammar gives, and replaces positional parameters; one that was not given is replaced by nothing.
func splitPoint(ap *ast.AttachPoint, params []string) {
	text := ap.Text
	if n := literal.WordLen(text); n > 0 && n < len(text) && text[n] == '=' {
		ap.Name, text = text[:n], text[n+1:]
	}
	parts := splitQuoted(replaceParams(text, params))
	ap.Provider, ap.Parts = parts[0], parts[1:]
}

// splitQuoted splits at colons outside of quotes, and removes the quotes.
func splitQuoted(text string) []string {
	var parts []string
	var part strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted && i+1 < len(text):
			i++
			part.WriteByte(text[i])
		case c == ':' && !quoted:
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(parts, part.String())
}

// replaceParams replaces $1, $2, … and $# by the positional parameters. In quotes they are part of a name, as in Rust's mangled ones.
func replaceParams(text string, params []string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '"' {
			quoted, _ := quotedLen(text[i:])
			b.WriteString(text[i : i+quoted])
			i += quoted - 1
			continue
		}
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		n := 0
		for i+1+n < len(text) && literal.IsDigit(text[i+1+n]) {
			n++
		}
		switch {
		case text[i+1] == '#':
			b.WriteString(strconv.Itoa(len(params)))
			n = 1
		case n > 0:
			if k, err := strconv.Atoi(text[i+1 : i+1+n]); err == nil && k > 0 && k <= len(params) {
				b.WriteString(params[k-1])
			}
		default:
			b.WriteByte('$')
		}
		i += n
	}
	return b.String()
}
