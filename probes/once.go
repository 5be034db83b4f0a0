package probes

import (
	"fmt"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
)

// resolveOnce is begin and end.
func resolveOnce(_ *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) > 0 {
		return nil, fmt.Errorf("%s takes no arguments", ap.Provider)
	}
	return []lang.Target{{Kind: builtin.ProbeKindByName(ap.Provider), Name: ap.Provider}}, nil
}
