package builtin

// plannedTable has the names that are kept for what is to come.
var plannedTable = []*Builtin{
	{Name: "jstack", Variable: true, Function: true, Args: "[frames]", Planned: true, Help: "Java stack"},
	{Name: "pgid", Variable: true, Planned: true, Help: "process group id"},
}
