package ast

import (
	"io"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
)

// Format writes the tree back as a script, one statement a line, indented with tabs. Comments are not
// part of the tree, and so are lost. The output parses to the same tree.
func Format(w io.Writer, f *File) error {
	p := &Printer{}
	for _, def := range f.CDefs {
		p.line(def.Text)
	}
	if len(f.Config) > 0 {
		p.line("config = {")
		for _, s := range f.Config {
			p.start("\t" + s.Name + " = ")
			p.Expr(s.Value, 0)
			p.end(";")
		}
		p.line("}")
	}
	for i, item := range f.Items {
		if i > 0 || p.Out.Len() > 0 {
			p.end("")
		}
		p.item(item)
	}
	_, err := io.WriteString(w, p.Out.String())
	return err
}

// Printer collects the text of a script.
type Printer struct {
	Out    strings.Builder
	indent int
}

// start begins a line.
func (p *Printer) start(text string) {
	p.Out.WriteString(strings.Repeat("\t", p.indent))
	p.Out.WriteString(text)
}

// put goes on with a line.
func (p *Printer) put(text string) { p.Out.WriteString(text) }

// end ends a line.
func (p *Printer) end(text string) {
	p.Out.WriteString(text)
	p.Out.WriteByte('\n')
}

func (p *Printer) line(text string) {
	p.start(text)
	p.end("")
}

func (p *Printer) item(item Item) {
	switch item := item.(type) {
	case *Probe:
		p.probe(item)
	case *MapDecl:
		p.line("let @" + item.Name + " = " + item.Kind + "(" + strconv.FormatInt(item.Size, 10) + ");")
	case *Import:
		p.line("import " + literal.Quote(item.Path) + ";")
	case *Macro:
		p.put("macro " + item.Name + "(")
		p.list(item.Params)
		p.put(") ")
		p.block(item.Body)
		p.end("")
	case *Func:
		p.put("fn " + item.Name + "(")
		for i, param := range item.Params {
			p.comma(i)
			p.put("$" + param.Var.Name + " : " + param.Type.String())
		}
		p.put(") : " + item.Result.String() + " ")
		p.block(item.Body)
		p.end("")
	}
}

func (p *Printer) comma(i int) {
	if i > 0 {
		p.put(", ")
	}
}

func (p *Printer) probe(probe *Probe) {
	for i, ap := range probe.Points {
		if i > 0 {
			p.end(",")
		}
		p.put(ap.Text)
	}
	p.put(" ")
	if probe.Filter != nil {
		filter := &Printer{indent: p.indent}
		filter.Expr(probe.Filter, 0)
		text := filter.Out.String()
		if strings.HasPrefix(text, "*") {
			text = " " + text // "/*" opens a comment
		}
		p.put("/" + text + "/ ")
	}
	p.block(probe.Body)
	p.end("")
}

// block writes { … } from the current line on, without the end of the last line.
func (p *Printer) block(b *Block) {
	p.end("{")
	p.indent++
	for _, s := range b.Stmts {
		p.start("")
		p.stmt(s)
		p.end("")
	}
	p.indent--
	p.start("}")
}

// stmt writes a statement with its semicolon, on the current line.
func (p *Printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *ExprStmt:
		p.exprStmt(s)
	case *Assign:
		p.assign(s)
	case *Let:
		p.let(s)
	case *Branch:
		p.put(s.Keyword + ";")
	case *Return:
		p.put("return")
		if s.Value != nil {
			p.put(" ")
			p.Expr(s.Value, 0)
		}
		p.put(";")
	case *Import:
		p.put("import " + literal.Quote(s.Path) + ";")
	default:
		p.compound(s)
	}
}

// exprStmt writes an expression as a statement. A block expression is put in parentheses, so that it
// is not taken for a block.
func (p *Printer) exprStmt(s *ExprStmt) {
	if _, ok := s.X.(*BlockExpr); ok {
		p.put("(")
		p.Expr(s.X, 0)
		p.put(")")
	} else {
		p.Expr(s.X, 0)
	}
	if !s.NoSemi {
		p.put(";")
	}
}

func (p *Printer) assign(s *Assign) {
	if s.Target == nil {
		p.put("_")
	} else {
		p.Expr(s.Target, 0)
	}
	p.put(" " + s.Op + " ")
	p.Expr(s.Value, 0)
	p.put(";")
}

func (p *Printer) let(s *Let) {
	p.put("let $" + s.Var.Name)
	if s.Type != nil {
		p.put(" : " + s.Type.String())
	}
	if s.Value != nil {
		p.put(" = ")
		p.Expr(s.Value, 0)
	}
	p.put(";")
}

// compound writes a statement that holds a block.
func (p *Printer) compound(s Stmt) {
	switch s := s.(type) {
	case *Block:
		p.block(s)
	case *If:
		p.head("if", s.Cond)
		p.block(s.Then)
		if s.Else != nil {
			p.put(" else ")
			p.compound(s.Else)
		}
	case *While:
		p.head("while", s.Cond)
		p.block(s.Body)
	case *Unroll:
		p.head("unroll", s.Count)
		p.block(s.Body)
	case *ForRange:
		p.put("for ($" + s.Var.Name + " : ")
		p.Expr(s.Start, 0)
		p.put("..")
		p.Expr(s.End, 0)
		p.put(") ")
		p.block(s.Body)
	case *ForMap:
		p.put("for ($" + s.Var.Name + " : @" + s.Map.Name + ") ")
		p.block(s.Body)
	}
}

// head writes `keyword (cond) `.
func (p *Printer) head(keyword string, cond Expr) {
	p.put(keyword + " (")
	p.Expr(cond, 0)
	p.put(") ")
}
