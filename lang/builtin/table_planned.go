package builtin

// plannedTable is what bpftrace has and gotrace has not, yet.
var plannedTable = []*Builtin{
	{Name: "jstack", Variable: true, Function: true, Args: "[frames]", Planned: true, Help: "Java stack"},
	{Name: "pgid", Variable: true, Planned: true, Help: "process group id"},
}
