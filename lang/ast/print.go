package ast

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

// Dump writes the tree, one node a line, children indented below their parent in the order of the text.
func Dump(w io.Writer, f *File) {
	depth := 0
	Walk(f, func(n source.Node) bool {
		fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", depth), Label(n))
		depth++
		return true
	}, func(source.Node) { depth-- })
}

// Label says in one line what a node is, its children left out.
func Label(n source.Node) string {
	switch n := n.(type) {
	case Expr:
		return exprLabel(n)
	case Stmt:
		return stmtLabel(n)
	case *File:
		return "script"
	case *CDef:
		return "c " + strconv.Quote(n.Text)
	case *Setting:
		return "setting " + n.Name
	case *Probe:
		return "probe"
	case *AttachPoint:
		return "attach point " + n.Text
	case *MapDecl:
		return fmt.Sprintf("map @%s: %s(%d)", n.Name, n.Kind, n.Size)
	case *Macro:
		return "macro " + n.Name
	case *Func:
		return "function " + n.Name
	case *FuncParam:
		return "parameter"
	case *TypeName:
		return "type " + n.String()
	}
	return fmt.Sprintf("%T", n)
}

func stmtLabel(n Stmt) string {
	switch n := n.(type) {
	case *ExprStmt:
		if n.NoSemi {
			return "expression, last"
		}
		return "expression"
	case *Assign:
		if n.Target == nil {
			return "discard"
		}
		return "assign " + n.Op
	case *Let:
		return "let"
	case *If:
		return "if"
	case *While:
		return "while"
	case *ForRange:
		return "for range"
	case *ForMap:
		return "for map"
	case *Unroll:
		return "unroll"
	case *Branch:
		return n.Keyword
	case *Return:
		return "return"
	case *Block:
		return "block"
	case *Import:
		return "import " + literal.Quote(n.Path)
	case *BadStmt:
		return "mistake"
	}
	return fmt.Sprintf("%T", n)
}

func exprLabel(n Expr) string {
	switch n := n.(type) {
	case *IntLit:
		if text := strconv.FormatUint(n.Value, 10); text != n.Text {
			return "int " + n.Text + " = " + text
		}
		return "int " + n.Text
	case *StrLit:
		return "string " + literal.Quote(n.Value)
	case *BoolLit:
		return "bool " + strconv.FormatBool(n.Value)
	case *Ident:
		return "name " + n.Name
	case *Var:
		return "variable $" + n.Name
	case *MapRef:
		if n.Indexed {
			return "element of map @" + n.Name
		}
		return "map @" + n.Name
	case *Param:
		return "parameter " + paramText(n)
	case *FieldExpr:
		return "field " + n.Name
	case *TupleIndex:
		return "element " + strconv.Itoa(n.N)
	case *Call:
		return "call " + n.Name
	case *RecordExpr:
		return "record " + strings.Join(n.Names, ", ")
	case *Offsetof:
		return "offsetof " + strings.Join(n.Fields, ".")
	}
	return operatorLabel(n)
}

func operatorLabel(n Expr) string {
	switch n := n.(type) {
	case *Unary:
		return "prefix " + n.Op
	case *IncDec:
		if n.Prefix {
			return "prefix " + n.Op
		}
		return "postfix " + n.Op
	case *Binary:
		return "binary " + n.Op
	case *Ternary:
		if n.X == n.Cond {
			return "choice ?:"
		}
		return "choice"
	case *Cast:
		return "cast"
	case *Index:
		return "index"
	case *TupleExpr:
		return "tuple"
	case *Sizeof:
		return "sizeof"
	case *Typeinfo:
		return "typeinfo"
	case *TypeExpr:
		return "type of"
	case *Comptime:
		return "comptime"
	case *BlockExpr:
		return "block expression"
	}
	return fmt.Sprintf("%T", n)
}

func paramText(n *Param) string {
	if n.N == 0 {
		return "$#"
	}
	return "$" + strconv.Itoa(n.N)
}

// String is the type as a script writes it.
func (t *TypeName) String() string {
	name := t.Name
	switch {
	case t.Of != nil:
		p := &Printer{}
		p.typeArg(nil, t.Of)
		name = "typeof(" + p.Out.String() + ")"
	case t.Keyword != "":
		name = t.Keyword + " " + t.Name
	}
	if t.Stars > 0 {
		name += " " + strings.Repeat("*", t.Stars)
	}
	for i := len(t.Dims) - 1; i >= 0; i-- {
		if t.Dims[i] < 0 {
			name += "[]"
		} else {
			name += "[" + strconv.Itoa(t.Dims[i]) + "]"
		}
	}
	return name + strings.Repeat("*", t.Outer)
}
