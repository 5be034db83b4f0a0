package builtin

import "github.com/gotrace/gotrace/lang/types"

// mapTable is about maps of the script.
var mapTable = []*Builtin{
	{Name: "clear", Function: true, Args: "@map", Effect: true, Map: MapEmpties,
		Help:    "deletes all elements of a map",
		Example: `tracepoint:syscalls:sys_enter_openat { @[comm] = count(); } interval:s:1 { print(@); clear(@); }`},
	{Name: "delete", Function: true, Args: "@map, [key], …", Type: types.Bool{}, Effect: true, Map: MapRemoves,
		Help:    "deletes an element of a map, and says whether there was one",
		Example: `kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }`},
	{Name: "find", Function: true, Args: "@map, key, $result", Type: types.Bool{}, Effect: true, Map: MapReads,
		Help:    "says whether a map has an element, and puts its value into a variable if it has",
		Example: `kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read { let $t; if (find(@start, tid, $t)) { @ = hist(nsecs - $t); delete(@start, tid); } }`},
	{Name: "has_key", Function: true, Args: "@map, key, …", Type: types.Bool{}, Map: MapLooks,
		Help:    "says whether a map has an element",
		Example: `kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read /has_key(@start, tid)/ { @ = count(); }`},
	{Name: "len", Function: true, Args: "@map or stack", Type: types.TypeInt64, Map: MapLooks, Kernel: &Need{5, 13, "bpf_for_each_map_elem", ""},
		Help:    "number of elements of a map, or of frames of a stack",
		Example: `tracepoint:syscalls:sys_enter_openat { @[comm] = count(); } interval:s:1 { print(len(@)); }`},
	{Name: "zero", Function: true, Args: "@map", Effect: true, Map: MapEmpties,
		Help:    "sets all elements of a map to 0, and keeps their keys",
		Example: `tracepoint:syscalls:sys_enter_openat { @[comm] = count(); } interval:s:1 { print(@); zero(@); }`},
}

// aggregationTable are the values of maps that grow in place.
var aggregationTable = []*Builtin{
	{Name: "avg", Function: true, Args: "value", Effect: true, Aggregate: true, Result: "avg_t",
		Help:    "average of the values",
		Example: `kprobe:vfs_read { @[comm] = avg(arg2); }`},
	{Name: "count", Function: true, Effect: true, Aggregate: true, Result: "count_t",
		Help:    "how often it was called",
		Example: `kprobe:vfs_read { @[comm] = count(); }`},
	{Name: "hist", Function: true, Args: "value, [bits]", Effect: true, Aggregate: true, Result: "hist_t",
		Help:    "histogram by powers of two, each divided into 2^bits buckets",
		Example: `kprobe:vfs_read { @ = hist(arg2); @fine = hist(arg2, 2); }`},
	{Name: "lhist", Function: true, Args: "value, min, max, step", Effect: true, Aggregate: true, Result: "lhist_t",
		Help:    "histogram of equal steps from min to max",
		Example: `kprobe:vfs_read { @ = lhist(arg2, 0, 10000, 500); }`},
	{Name: "max", Function: true, Args: "value", Effect: true, Aggregate: true, Result: "max_t",
		Help:    "the largest value",
		Example: `kprobe:vfs_read { @[comm] = max(arg2); }`},
	{Name: "min", Function: true, Args: "value", Effect: true, Aggregate: true, Result: "min_t",
		Help:    "the smallest value",
		Example: `kprobe:vfs_read { @[comm] = min(arg2); }`},
	{Name: "quantiles", Function: true, Args: "value", Effect: true, Aggregate: true, Result: "quantiles_t",
		Help:    "median, 90th, 99th and 99.9th percentile and maximum of the values, each at most 1 % off",
		Example: `kprobe:vfs_read { @[comm] = quantiles(arg2); }`},
	{Name: "stats", Function: true, Args: "value", Effect: true, Aggregate: true, Result: "stats_t",
		Help:    "count, average and total of the values",
		Example: `kprobe:vfs_read { @[comm] = stats(arg2); }`},
	{Name: "sum", Function: true, Args: "value", Effect: true, Aggregate: true, Result: "sum_t",
		Help:    "total of the values",
		Example: `kprobe:vfs_read { @[comm] = sum(arg2); }`},
	{Name: "tseries", Function: true, Args: "value, interval, count, [what]", Effect: true, Aggregate: true, Result: "tseries_t",
		Help:    "the last count intervals of so many nanoseconds: of each the last value, or its \"avg\", \"max\", \"min\" or \"sum\"",
		Example: `kprobe:vfs_read { @ = tseries(arg2, 100ms, 20, "sum"); }`},
}
