package probes

import (
	"testing"

	"github.com/gotrace/gotrace/lang/builtin"
)

// TestProviders finds kinds of probes without a provider, providers of no kind, and kinds whose row promises what the provider has not.
func TestProviders(t *testing.T) {
	for _, k := range builtin.KindsWith(builtin.Anything) {
		p := providers[k.Name]
		switch {
		case p == nil || p.resolve == nil:
			t.Errorf("nothing finds %s probes", k.Name)
			continue
		case k.Listed && p.list == nil:
			t.Errorf("nothing lists %s probes", k.Name)
		case (k.Attach != builtin.AttachNever) != (p.plan != nil):
			t.Errorf("%s probes are attached, or are they not?", k.Name)
		}
	}
	for name := range providers {
		if k := builtin.ProbeKindByName(name); k == nil || k.Name != name {
			t.Errorf("the provider %s is of no kind", name)
		}
	}
}
