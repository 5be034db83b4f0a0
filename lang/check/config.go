package check

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// The defaults of the configuration, as bpftrace 0.27 has them.
const (
	DefaultMaxStrlen   = 1024
	DefaultMaxMapKeys  = 4096
	defaultMaxPrograms = 1024
	defaultMaxCatBytes = 10240
)

// unlimited is the default of max_probes: one program attaches to any number of functions in about a second.
const unlimited = math.MaxInt32

// MaxLoopIterations is the largest max_loop_iterations: one less than the kernel's limit of a single loop (BPF_MAX_LOOPS).
const MaxLoopIterations = 1<<23 - 1

// maxStrlenLimit is the largest string that a program can handle in its scratch memory.
const maxStrlenLimit = 1 << 16

// setting is a configuration variable.
type setting struct {
	help string // what it does, for the reference; "" for older names and what does nothing here
	// set changes the configuration. It says what is wrong with a value, "" if nothing is.
	set func(c *Config, v settingValue) string
}

// settings is the table of configuration variables. Those without a help are older names, or belong to what gotrace does otherwise: they are
// accepted so that scripts run unchanged.
var settings = map[string]setting{
	"max_strlen":   {"bytes that str(), buf() and path() read at most, the NUL included; 1024", maxStrlen},
	"strlen":       {"", maxStrlen},
	"max_map_keys": {"keys that a map has room for; 4096", maxMapKeys},
	"map_keys_max": {"", maxMapKeys},
	"print_maps_on_exit": {"print all maps at the end; true",
		func(c *Config, v settingValue) string { return v.boolean(&c.PrintMapsOnExit) }},
	"str_trunc_trailer": {`what follows a string that was cut; ".."`,
		func(c *Config, v settingValue) string { c.StrTruncTrailer = v.text; return "" }},
	"missing_probes": {"what to do with a probe that is not there: error, warn or ignore; error",
		func(c *Config, v settingValue) string { return v.oneOf(&c.MissingProbes, "error", "warn", "ignore") }},
	"perf_rb_pages": {"pages of the ring buffer, 0: by the memory; 0", ringPages},
	"rb_pages":      {"", ringPages},
	"license": {"license of the programs, which decides what helpers they may call; GPL",
		func(c *Config, v settingValue) string {
			return v.exactly(&c.License, "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL")
		}},
	"max_probes": {"probes that a script may attach to; no limit",
		func(c *Config, v settingValue) string { return v.number(&c.MaxProbes, 1, unlimited) }},
	"max_bpf_progs": {"programs that a script may become; 1024",
		func(c *Config, v settingValue) string { return v.number(&c.MaxPrograms, 1, unlimited) }},
	"max_loop_iterations": {"iterations of all loops of a run together; by what an iteration costs",
		func(c *Config, v settingValue) string { return v.number(&c.MaxLoopIterations, 1, MaxLoopIterations) }},
	"max_cat_bytes": {"bytes that cat() shows of a file; 10240", maxCatBytes},
	"cat_bytes_max": {"", maxCatBytes},
	"stack_mode": {"form of stacks: bpftrace, perf, raw or build_id; bpftrace",
		func(c *Config, v settingValue) string { return v.oneOf(&c.StackMode, types.StackModes...) }},
	"user_unwind": {"how ustack follows a stack: frame_pointer, dwarf (by .eh_frame, as dw_ustack) or auto (dwarf if the kernel can); frame_pointer",
		func(c *Config, v settingValue) string {
			return v.oneOf(&c.UserUnwind, UnwindFramePointer, UnwindAuto, UnwindTables)
		}},
	"show_debug_info": {"files, lines and inlined functions in stacks; true",
		func(c *Config, v settingValue) string { return v.boolean(&c.DebugInfo) }},
	"cpp_demangle": {"names of C++, Rust and D as in the source; true",
		func(c *Config, v settingValue) string { return v.boolean(&c.Demangle) }},
	"no_cpp_demangle": {"", func(c *Config, v settingValue) string {
		var off bool
		why := v.boolean(&off)
		c.Demangle = c.Demangle && !off
		return why
	}},
	"no_warnings": {"codes of warnings that are not shown, separated by commas; none",
		func(c *Config, v settingValue) string {
			codes, err := source.ParseWarningCodes(v.text)
			if err != nil {
				return "takes the codes of warnings, separated by commas: " + err.Error()
			}
			c.NoWarnings = append(c.NoWarnings, codes...)
			return ""
		}},
	"unstable_dw_ustack": {"whether dw_ustack may be used: enable, warn or error; enable",
		func(c *Config, v settingValue) string { return v.unstable(&c.UnstableDWUstack) }},
	"unstable_tseries": {"whether tseries() may be used: enable, warn or error; enable",
		func(c *Config, v settingValue) string { return v.unstable(&c.UnstableTSeries) }},

	"cache_user_symbols":        {"", oneOf("per_pid", "per_program", "none", "0", "1")},
	"lazy_symbolication":        {"", truth},
	"log_size":                  {"", anyNumber},
	"on_stack_limit":            {"", anyNumber},
	"use_blazesym":              {"", truth},
	"unstable_import_statement": {"", unstable},
	"unstable_typeinfo":         {"", unstable},
	// Of older versions.
	"debug_output":            {"", truth},
	"max_ast_nodes":           {"", anyNumber},
	"max_type_res_iterations": {"", anyNumber},
	"no_user_symbols":         {"", truth},
	"symbol_source":           {"", oneOf("dwarf", "symbol_table")},
	"unstable_addr":           {"", unstable},
	"unstable_import":         {"", unstable},
	"unstable_macro":          {"", unstable},
	"unstable_map_decl":       {"", unstable},
	"verify_llvm_ir":          {"", truth},
}

// mayBeEmpty are the settings for which an empty variable of the environment is a value; for others it is as good as none.
var mayBeEmpty = []string{"str_trunc_trailer"}

// environmentOnly are what gotrace, or bpftrace, reads of its environment, and a script cannot set.
var environmentOnly = []string{"btf", "color", "kernel_build", "kernel_source", "vmlinux"}

func maxStrlen(c *Config, v settingValue) string  { return v.number(&c.MaxStrlen, 1, maxStrlenLimit) }
func maxMapKeys(c *Config, v settingValue) string { return v.number(&c.MaxMapKeys, 1, 1<<30) }
func ringPages(c *Config, v settingValue) string  { return v.number(&c.PerfRBPages, 0, 1<<18) }
func maxCatBytes(c *Config, v settingValue) string {
	return v.number(&c.MaxCatBytes, 1, 1<<30)
}

// Settings that do nothing here are looked at all the same.

func truth(_ *Config, v settingValue) string     { return v.boolean(new(bool)) }
func anyNumber(_ *Config, v settingValue) string { return v.number(new(int), 0, math.MaxInt64) }
func unstable(_ *Config, v settingValue) string  { return v.unstable(new(string)) }

func oneOf(allowed ...string) func(*Config, settingValue) string {
	return func(_ *Config, v settingValue) string { return v.oneOf(new(string), allowed...) }
}

// SettingHelp is a row of the reference.
type SettingHelp struct{ Name, Help string }

// Settings are the configuration variables that do something, in order.
func Settings() []SettingHelp {
	var list []SettingHelp
	for _, name := range settingNames() {
		if s := settings[name]; s.help != "" {
			list = append(list, SettingHelp{name, s.help})
		}
	}
	return list
}

// settingValue is the value of a setting, as text and, if it is one, as a number.
type settingValue struct {
	text     string
	num      int64
	isNumber bool
}

func (v settingValue) number(dst *int, lo, hi int64) string {
	if !v.isNumber || v.num < lo || v.num > hi {
		return "takes a number from " + strconv.FormatInt(lo, 10) + " to " + strconv.FormatInt(hi, 10)
	}
	*dst = int(v.num)
	return ""
}

func (v settingValue) boolean(dst *bool) string {
	switch strings.ToLower(v.text) {
	case "true", "on", "yes":
		*dst = true
	case "false", "off", "no":
		*dst = false
	default:
		if !v.isNumber {
			return "takes true or false"
		}
		*dst = v.num != 0
	}
	return ""
}

// oneOf takes one of some words, in capitals too.
func (v settingValue) oneOf(dst *string, allowed ...string) string {
	v.text = strings.ToLower(v.text)
	return v.exactly(dst, allowed...)
}

func (v settingValue) exactly(dst *string, allowed ...string) string {
	for _, a := range allowed {
		if v.text == a {
			*dst = a
			return ""
		}
	}
	return "takes one of: " + strings.Join(allowed, ", ")
}

// unstable says whether a feature that is young in bpftrace may be used: by a word, or by true and false.
func (v settingValue) unstable(dst *string) string {
	var on bool
	if v.boolean(&on) != "" {
		return v.oneOf(dst, "enable", "warn", "error")
	}
	if *dst = "enable"; !on {
		*dst = "error"
	}
	return ""
}

// configure makes the effective configuration: defaults, then the script's config block, then the environment.
func (c *checker) configure() {
	cfg := Config{
		MaxStrlen:        DefaultMaxStrlen,
		MaxMapKeys:       DefaultMaxMapKeys,
		PrintMapsOnExit:  true,
		StrTruncTrailer:  "..",
		MissingProbes:    "error",
		MaxProbes:        unlimited,
		MaxPrograms:      defaultMaxPrograms,
		MaxCatBytes:      defaultMaxCatBytes,
		License:          "GPL",
		UnstableTSeries:  "enable",
		UnstableDWUstack: "enable",
		StackMode:        types.StackBpftrace,
		UserUnwind:       UnwindFramePointer,
		DebugInfo:        true,
		Demangle:         true,
		NoWarnings:       slices.Clone(c.opts.NoWarnings),
	}
	if c.opts.MaxStrlen > 0 {
		cfg.MaxStrlen = c.opts.MaxStrlen
	}
	if c.opts.MaxMapKeys > 0 {
		cfg.MaxMapKeys = c.opts.MaxMapKeys
	}
	for _, s := range c.file.Config {
		name := settingName(s.Name)
		set, ok := settings[name]
		if !ok {
			c.diags = append(c.diags, errUnknownSetting(s, name))
			continue
		}
		c.setGiven(name, valueOfSetting(s.Value))
		if why := set.set(&cfg, valueOfSetting(s.Value)); why != "" {
			c.diags = append(c.diags, source.Errorf(s.Value, "bad-setting", "%s %s", s.Name, why))
		}
	}
	if c.opts.Environ != nil {
		c.configureFromEnv(&cfg)
	}
	c.out.Config = cfg
}

func (c *checker) configureFromEnv(cfg *Config) {
	for _, name := range settingNames() {
		for _, prefix := range []string{"BPFTRACE_", "GOTRACE_"} {
			env := prefix + strings.ToUpper(name)
			text, set := c.opts.Environ(env)
			if !set || text == "" && !slices.Contains(mayBeEmpty, name) {
				continue
			}
			v := settingValue{text: text}
			if n, err := strconv.ParseInt(text, 0, 64); err == nil {
				v.num, v.isNumber = n, true
			}
			c.setGiven(name, v)
			if why := settings[name].set(cfg, v); why != "" {
				c.diags = append(c.diags, source.Errorf(c.file, "bad-setting", "environment variable %s %s", env, why))
			}
		}
	}
}

// settingName is the name of a setting in the form of the table: scripts may write it as the environment variable.
func settingName(s string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "bpftrace_"), "gotrace_")
}

func settingNames() []string {
	names := make([]string, 0, len(settings))
	for n := range settings {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func valueOfSetting(e ast.Expr) settingValue {
	switch e := e.(type) {
	case *ast.IntLit:
		return settingValue{text: strconv.FormatUint(e.Value, 10), num: int64(e.Value), isNumber: true}
	case *ast.StrLit:
		return settingValue{text: e.Value}
	case *ast.BoolLit:
		return settingValue{text: strconv.FormatBool(e.Value)}
	case *ast.Ident:
		return settingValue{text: e.Name}
	}
	return settingValue{}
}

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
	{"unstable_dw_ustack", func(c *Config) any { return c.UnstableDWUstack }, nil},
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
		var on bool
		v.boolean(&on) // it has been looked at
		return on
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
