package builtin

// plannedTable is what bpftrace has and gotrace has not, yet.
var plannedTable = []*Builtin{
	{Name: "clamp", Function: true, Args: "value, min, max", Planned: true, Help: "a value, kept between two others"},
	{Name: "dw_ustack", Variable: true, Function: true, Args: "[frames]", Planned: true, Help: "user stack, found by the binary's unwind tables"},
	{Name: "find", Function: true, Args: "@map, key, $result", Effect: true, Planned: true, Help: "reads an element of a map into a variable, and says whether there is one"},
	{Name: "is_err", Function: true, Args: "pointer", Planned: true, Help: "whether a pointer is one of the kernel's error values"},
	{Name: "jstack", Variable: true, Function: true, Args: "[frames]", Planned: true, Help: "Java stack"},
	{Name: "path", Function: true, Args: "pointer, [length]", Planned: true, Help: "path of a file"},
	{Name: "pgid", Variable: true, Planned: true, Help: "process group id"},
	{Name: "signal_name", Function: true, Args: "signal", Planned: true, Help: "name of a signal"},
	{Name: "skb_output", Function: true, Args: "path, skb, length, offset", Unsafe: true, Effect: true, Planned: true, Help: "older name of skboutput"},
	{Name: "skboutput", Function: true, Args: "path, skb, length, offset", Unsafe: true, Effect: true, Planned: true, Help: "writes a packet to a capture file"},
	{Name: "socket_cookie", Function: true, Args: "socket", Planned: true, Help: "cookie of a socket"},
	{Name: "strerror", Function: true, Args: "number", Planned: true, Help: "text of an error number"},
	{Name: "syscall_name", Function: true, Args: "number", Planned: true, Help: "name of a system call"},
	{Name: "unwatch", Function: true, Args: "address", Effect: true, Planned: true, Help: "removes a watchpoint"},
}
