package builtin

// plannedTable is what bpftrace has and gotrace has not, yet.
var plannedTable = []*Builtin{
	{Name: "jstack", Variable: true, Function: true, Args: "[frames]", Planned: true, Help: "Java stack"},
	{Name: "pgid", Variable: true, Planned: true, Help: "process group id"},
	{Name: "skb_output", Function: true, Args: "path, skb, length, offset", Unsafe: true, Effect: true, Planned: true, Help: "older name of skboutput"},
	{Name: "skboutput", Function: true, Args: "path, skb, length, offset", Unsafe: true, Effect: true, Planned: true, Help: "writes a packet to a capture file"},
	{Name: "unwatch", Function: true, Args: "address", Effect: true, Planned: true, Help: "removes a watchpoint"},
}
