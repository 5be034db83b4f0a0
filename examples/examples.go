// Package examples holds the example scripts, so that the table of scripts (internal/scripts) runs each of them. It imports nothing of gotrace.
package examples

import "embed"

// Scripts are the files NAME.gt of this directory.
//
//go:embed *.gt
var Scripts embed.FS
