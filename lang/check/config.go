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

// settings is the table of configuration variables: how each changes the configuration. Those that set nothing belong to
// features that have no effect here, and are accepted so that scripts run unchanged.
var settings = map[string]func(c *Config, v settingValue) string{
	"max_strlen": func(c *Config, v settingValue) string { return v.number(&c.MaxStrlen, 1, maxStrlenLimit) },
	"strlen":     func(c *Config, v settingValue) string { return v.number(&c.MaxStrlen, 1, maxStrlenLimit) },
	"max_map_keys": func(c *Config, v settingValue) string {
		return v.number(&c.MaxMapKeys, 1, 1<<30)
	},
	"map_keys_max":       func(c *Config, v settingValue) string { return v.number(&c.MaxMapKeys, 1, 1<<30) },
	"print_maps_on_exit": func(c *Config, v settingValue) string { return v.boolean(&c.PrintMapsOnExit) },
	"str_trunc_trailer":  func(c *Config, v settingValue) string { c.StrTruncTrailer = v.text; return "" },
	"missing_probes": func(c *Config, v settingValue) string {
		return v.oneOf(&c.MissingProbes, "error", "warn", "ignore")
	},
	"perf_rb_pages": func(c *Config, v settingValue) string { return v.number(&c.PerfRBPages, 1, 1<<18) },
	"rb_pages":      func(c *Config, v settingValue) string { return v.number(&c.PerfRBPages, 1, 1<<18) },
	"license": func(c *Config, v settingValue) string {
		return v.oneOf(&c.License, "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL")
	},
	"max_probes": func(c *Config, v settingValue) string { return v.number(&c.MaxProbes, 1, unlimited) },
	"max_loop_iterations": func(c *Config, v settingValue) string {
		return v.number(&c.MaxLoopIterations, 1, MaxLoopIterations)
	},
	"stack_mode":      func(c *Config, v settingValue) string { return v.oneOf(&c.StackMode, types.StackModes...) },
	"show_debug_info": func(c *Config, v settingValue) string { return v.boolean(&c.DebugInfo) },
	"cpp_demangle":    func(c *Config, v settingValue) string { return v.boolean(&c.Demangle) },
	"no_cpp_demangle": func(c *Config, v settingValue) string {
		var off bool
		why := v.boolean(&off)
		c.Demangle = c.Demangle && !off
		return why
	},
	"no_warnings": func(c *Config, v settingValue) string {
		codes, err := source.ParseWarningCodes(v.text)
		if err != nil {
			return "takes the codes of warnings, separated by commas: " + err.Error()
		}
		c.NoWarnings = append(c.NoWarnings, codes...)
		return ""
	},
	"max_bpf_progs":           func(c *Config, v settingValue) string { return v.number(&c.MaxPrograms, 1, unlimited) },
	"cache_user_symbols":      ignored,
	"lazy_symbolication":      ignored,
	"log_size":                ignored,
	"max_cat_bytes":           func(c *Config, v settingValue) string { return v.number(&c.MaxCatBytes, 1, 1<<30) },
	"max_type_res_iterations": ignored,
	"on_stack_limit":          ignored,
	"symbol_source":           ignored,
	"unstable_import":         ignored,
	"unstable_tseries":        ignored,
	"unstable_dw_ustack":      ignored,
	"use_blazesym":            ignored,
	"verify_llvm_ir":          ignored,
	"debug_output":            ignored,
}

func ignored(*Config, settingValue) string { return "" }

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
	case "true", "1":
		*dst = true
	case "false", "0":
		*dst = false
	default:
		return "takes true or false"
	}
	return ""
}

func (v settingValue) oneOf(dst *string, allowed ...string) string {
	for _, a := range allowed {
		if v.text == a {
			*dst = a
			return ""
		}
	}
	return "takes one of: " + strings.Join(allowed, ", ")
}

// configure makes the effective configuration: defaults, then the script's config block, then the environment.
func (c *checker) configure() {
	cfg := Config{
		MaxStrlen:       DefaultMaxStrlen,
		MaxMapKeys:      DefaultMaxMapKeys,
		PrintMapsOnExit: true,
		StrTruncTrailer: "..",
		MissingProbes:   "error",
		MaxProbes:       unlimited,
		MaxPrograms:     defaultMaxPrograms,
		MaxCatBytes:     defaultMaxCatBytes,
		License:         "GPL",
		StackMode:       types.StackBpftrace,
		DebugInfo:       true,
		Demangle:        true,
		NoWarnings:      slices.Clone(c.opts.NoWarnings),
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
			c.diags = append(c.diags, errUnknownSetting(s, source.Nearest(name, settingNames())))
			continue
		}
		c.setGiven(name, valueOfSetting(s.Value))
		if why := set(&cfg, valueOfSetting(s.Value)); why != "" {
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
			text := c.opts.Environ(env)
			if text == "" {
				continue
			}
			v := settingValue{text: text}
			if n, err := strconv.ParseInt(text, 0, 64); err == nil {
				v.num, v.isNumber = n, true
			}
			c.setGiven(name, v)
			if why := settings[name](cfg, v); why != "" {
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
