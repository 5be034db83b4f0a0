package main

import (
	"encoding/json"
	"fmt"

	"github.com/gotrace/gotrace/probes/features"
)

// info prints what this kernel, machine and process offer: --info.
func (c *cli) info() int {
	if c.flags.format == "json" {
		return c.infoJSON()
	}
	fmt.Fprintf(c.out, "System\n  gotrace: %s\n", version())
	for _, f := range features.System() {
		fmt.Fprintf(c.out, "  %s: %s\n", f.Name, f.Value)
	}
	group := ""
	for _, f := range features.All() {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(c.out, "\n%s\n", group)
		}
		there := "no"
		if f.There {
			there = "yes"
		}
		if f.Detail != "" {
			there += " (" + f.Detail + ")"
		}
		fmt.Fprintf(c.out, "  %s: %s\n      needed for: %s\n", f.Name, there, f.For)
	}
	return 0
}

// infoJSON prints one object: the facts by name, and the features by group and name.
func (c *cli) infoJSON() int {
	type feature struct {
		There  bool   `json:"there"`
		Detail string `json:"detail,omitempty"`
		For    string `json:"for"`
	}
	system := map[string]string{"gotrace": version()}
	for _, f := range features.System() {
		system[f.Name] = f.Value
	}
	groups := map[string]map[string]feature{}
	for _, f := range features.All() {
		if groups[f.Group] == nil {
			groups[f.Group] = map[string]feature{}
		}
		groups[f.Group][f.Name] = feature{f.There, f.Detail, f.For}
	}
	text, err := json.Marshal(map[string]any{"type": "info", "data": map[string]any{"system": system, "features": groups}})
	if err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.out, "%s\n", text)
	return 0
}
