// Package getopt has the named parameters of scripts: what getopt() declares, and what the command line gives.
package getopt

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// Kind is what values an option takes.
type Kind uint8

// The kinds, by the type of the default.
const (
	Bool Kind = iota
	Unsigned
	Signed
	Text
)

// Option is a named parameter of a script.
type Option struct {
	Name    string
	Kind    Kind
	Default types.Const
	Help    string
}

// Given are the named parameters of a command line, by name. One that is given twice has its last value.
type Given map[string]Value

// Value is the value of a named parameter; Set is false for one without "=".
type Value struct {
	Text string
	Set  bool
}

// Read takes "name" or "name=value" from each of args.
func Read(args []string) Given {
	g := Given{}
	for _, a := range args {
		name, text, set := strings.Cut(a, "=")
		g[name] = Value{text, set}
	}
	return g
}

// HelpName is the parameter that asks for the options of a script, unless the script has one of that name.
const HelpName = "help"

// Type is the type of the values.
func (o *Option) Type(value types.Const) types.Type {
	switch o.Kind {
	case Bool:
		return types.Bool{}
	case Unsigned:
		return types.TypeUint64
	case Signed:
		return types.TypeInt64
	}
	return types.String{Len: len(*value.Str) + 1}
}

// Value is the value that a command line gives an option. The error says what it takes.
func (o *Option) Value(g Given, number func(text string) (n uint64, neg, ok bool)) (types.Const, error) {
	v, given := g[o.Name]
	switch {
	case !given:
		return o.Default, nil
	case o.Kind == Bool && !v.Set:
		return types.Const{Int: 1}, nil
	case !v.Set:
		return o.Default, fmt.Errorf("--%s takes %s: --%s=…", o.Name, o.takes(), o.Name)
	case o.Kind == Text:
		return types.Const{Str: &v.Text}, nil
	case o.Kind == Bool:
		on, ok := truth(v.Text)
		if !ok {
			return o.Default, fmt.Errorf("--%s takes true or false, not %q", o.Name, v.Text)
		}
		return types.Const{Int: types.Truth(on)}, nil
	}
	n, neg, ok := number(v.Text)
	switch {
	case !ok:
		return o.Default, fmt.Errorf("--%s takes %s, not %q", o.Name, o.takes(), v.Text)
	case o.Kind == Unsigned && neg && n != 0, o.Kind == Signed && !neg && n > math.MaxInt64:
		return o.Default, fmt.Errorf("--%s takes %s, and %s is none", o.Name, o.takes(), v.Text)
	case neg:
		n = -n
	}
	return types.Const{Int: n}, nil
}

// truth reads a truth value, in capitals or not.
func truth(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// takes says in words what values there are.
func (o *Option) takes() string {
	switch o.Kind {
	case Unsigned:
		return "a number from 0 on"
	case Signed:
		return "a number of 64 bits with a sign"
	}
	return "a text"
}

// DefaultText is the default as it would be written on a command line.
func (o *Option) DefaultText() string {
	switch {
	case o.Kind == Bool:
		return strconv.FormatBool(o.Default.Int != 0)
	case o.Kind == Signed:
		return strconv.FormatInt(int64(o.Default.Int), 10)
	case o.Kind == Unsigned:
		return strconv.FormatUint(o.Default.Int, 10)
	}
	return strconv.Quote(*o.Default.Str)
}

// placeholders stand for values in the help.
var placeholders = map[Kind]string{Unsigned: "=NUMBER", Signed: "=NUMBER", Text: "=TEXT"}

// Help describes the options of a script, a line each, in the order of their names.
func Help(options []*Option) string {
	if len(options) == 0 {
		return "The script takes no options.\n"
	}
	list := slices.Clone(options)
	slices.SortFunc(list, func(a, b *Option) int { return strings.Compare(a.Name, b.Name) })
	width := 0
	for _, o := range list {
		width = max(width, len(o.Name)+len(placeholders[o.Kind]))
	}
	var b strings.Builder
	b.WriteString("Options of the script, after --:\n")
	for _, o := range list {
		line := fmt.Sprintf("  --%-*s   %s", width, o.Name+placeholders[o.Kind], o.Help)
		if o.Kind != Bool || o.Default.Int != 0 {
			line = strings.TrimRight(line, " ") + fmt.Sprintf(" (default %s)", o.DefaultText())
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// Names are the options as they are written, in order.
func Names(options []*Option) []string {
	var names []string
	for _, o := range options {
		names = append(names, "--"+o.Name)
	}
	slices.Sort(names)
	return names
}
