package syntax

import (
	"slices"
	"sort"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// After a mistake the parser goes on with the next statement, or with the next probe. What the mistake leaves of the script can be checked
// as long as it is known what was left out: the variables and maps that may have been assigned there.

// mentioned are the variables and maps among some tokens.
func mentioned(list []lexer.Token) (vars []*ast.Var, maps []string) {
	for i, tok := range list {
		switch tok.Type {
		case tokVar:
			span := source.Span{Pos: tok.Pos, EndPos: tok.Pos}
			if i+1 < len(list) {
				span.EndPos = list[i+1].Pos
			}
			vars = append(vars, &ast.Var{Span: span, Name: tok.Value})
		case tokMap:
			maps = append(maps, tok.Value)
		}
	}
	return vars, maps
}

// badItem stands for the tokens of a span.
func (p *parser) badItem(span source.Span) *ast.BadItem {
	_, maps := mentioned(p.tokens.list[p.tokens.find(span.Pos):p.tokens.find(span.EndPos)])
	return &ast.BadItem{Span: span, Maps: maps}
}

// find is the index of the first token at a place or after it.
func (t *tokens) find(pos source.Pos) int {
	return sort.Search(len(t.list), func(i int) bool { return t.list[i].Pos.Offset >= pos.Offset })
}

// shapeless are the codes of mistakes after which nobody knows where a probe ends.
var shapeless = map[string]bool{
	codeOpenFilter: true, codeOpenString: true, codeOpenComment: true, "unclosed-block": true, "unmatched-bracket": true, "bad-character": true,
}

// dropBroken drops the probes whose shape is unknown, and says whether a mistake is in anything but a probe.
func (p *parser) dropBroken(f *ast.File) {
	for _, d := range p.diags {
		if d.Severity != source.SevError || p.within(f.Bad, d.Pos) {
			continue
		}
		i := slices.IndexFunc(f.Items, func(item ast.Item) bool { return covers(item.Range(), d.Pos) })
		probe, ok := (*ast.Probe)(nil), false
		if i >= 0 {
			probe, ok = f.Items[i].(*ast.Probe)
		}
		switch {
		case !ok:
			f.Broken = true
		case shapeless[d.Code]:
			f.Bad = append(f.Bad, p.badItem(probe.Span))
			f.Items = slices.Delete(f.Items, i, i+1)
		}
	}
}

// within says whether a place is in one of the probes that are no longer there.
func (p *parser) within(bad []*ast.BadItem, pos source.Pos) bool {
	for _, b := range bad {
		if covers(b.Span, pos) {
			return p.tokens.list[p.tokens.find(b.Pos)].Type == tokAttach
		}
	}
	return false
}

// covers says whether a place is in a span, or at its end.
func covers(span source.Span, pos source.Pos) bool {
	return span.Pos.Offset <= pos.Offset && pos.Offset <= span.EndPos.Offset
}
