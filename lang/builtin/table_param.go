package builtin

// paramTable is what the command line, the script and the environment set.
var paramTable = []*Builtin{
	{Name: "config", Variable: true, Result: "record of the settings",
		Help:    "the settings of the script, as they are after its config block and the environment",
		Example: `BEGIN { printf("%d %s\n", config.max_strlen, config.stack_mode); exit(); }`},
	{Name: "getopt", Function: true, Args: "name, [default], [help]", Result: "type of the default, bool without one", Stable: Constant,
		Help:    "value of a named parameter of the script: --name=value after --",
		Example: `BEGIN { printf("%d ms\n", getopt("limit", 10, "milliseconds")); exit(); }`},
}
