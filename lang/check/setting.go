package check

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// Setting is an element of the record `config`.
type Setting struct {
	Name  string
	Type  types.Type
	Value types.Const
}

// readableSettings are the settings that a script can read, in order. Those without a value in Config do nothing here; they have what the script
// has set, or the default.
var readableSettings = []struct {
	name string
	of   func(c *Config) any
	def  any
}{
	{"cpp_demangle", func(c *Config) any { return c.Demangle }, nil},
	{"lazy_symbolication", nil, true},
	{"print_maps_on_exit", func(c *Config) any { return c.PrintMapsOnExit }, nil},
	{"use_blazesym", nil, true},
	{"show_debug_info", func(c *Config) any { return c.DebugInfo }, nil},
	{"log_size", nil, 1000000},
	{"max_bpf_progs", func(c *Config) any { return c.MaxPrograms }, nil},
	{"max_cat_bytes", func(c *Config) any { return c.MaxCatBytes }, nil},
	{"max_map_keys", func(c *Config) any { return c.MaxMapKeys }, nil},
	{"max_probes", func(c *Config) any { return c.MaxProbes }, nil},
	{"max_strlen", func(c *Config) any { return c.MaxStrlen }, nil},
	{"on_stack_limit", nil, 32},
	{"perf_rb_pages", func(c *Config) any { return c.PerfRBPages }, nil},
	{"str_trunc_trailer", func(c *Config) any { return c.StrTruncTrailer }, nil},
	{"unstable_import", nil, "enable"},
	{"unstable_tseries", func(c *Config) any { return c.UnstableTSeries }, nil},
	{"unstable_dw_ustack", nil, "enable"},
	{"missing_probes", func(c *Config) any { return c.MissingProbes }, nil},
	{"stack_mode", func(c *Config) any { return c.StackMode }, nil},
	{"license", func(c *Config) any { return c.License }, nil},
}

// setGiven notes what the script or the environment says of a setting.
func (c *checker) setGiven(name string, v settingValue) {
	if c.given == nil {
		c.given = map[string]settingValue{}
	}
	c.given[name] = v
}

// readSettings makes the record `config`.
func (c *checker) readSettings() []Setting {
	var out []Setting
	for _, r := range readableSettings {
		v := r.def
		if r.of != nil {
			v = r.of(&c.out.Config)
		} else if given, ok := c.given[r.name]; ok {
			v = given.as(v)
		}
		out = append(out, settingOf(r.name, v))
	}
	return out
}

// as is what is given for a setting, as a value like the default.
func (v settingValue) as(def any) any {
	switch def.(type) {
	case bool:
		return strings.EqualFold(v.text, "true") || v.text == "1"
	case int:
		n, _ := strconv.Atoi(v.text)
		return n
	}
	return v.text
}

func settingOf(name string, v any) Setting {
	switch v := v.(type) {
	case bool:
		return Setting{name, types.Bool{}, types.Const{Int: types.Truth(v)}}
	case int:
		return Setting{name, types.TypeUint64, types.Const{Int: uint64(v)}}
	}
	text, _ := v.(string)
	return Setting{name, types.String{Len: len(text) + 1}, types.Const{Str: &text}}
}

// configType is the type of the record.
func configType(c *checker, _ *Prog) (types.Type, string) {
	if c.out.Settings == nil {
		c.out.Settings = c.readSettings()
	}
	var t types.Tuple
	for _, s := range c.out.Settings {
		t.Names = append(t.Names, s.Name)
		t.Elems = append(t.Elems, s.Type)
	}
	return t, ""
}

// setField notes the value of config.NAME, which is known at compile time.
func (c *checker) setField(e *ast.FieldExpr) {
	name := ""
	switch x := e.X.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.Call:
		name = x.Name
	}
	if name != "config" {
		return
	}
	for _, s := range c.out.Settings {
		if s.Name == e.Name {
			c.p.Consts[e] = s.Value
		}
	}
}
