package runtime

import (
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
)

// TestEventHandlers finds kinds of events that nothing handles.
func TestEventHandlers(t *testing.T) {
	for k := layout.EventKind(1); k < layout.EventKinds; k++ {
		if eventHandlers[k] == nil {
			t.Errorf("nothing handles events of kind %d", k)
		}
	}
	if n := int(layout.EventKinds) - 1; len(eventHandlers) != n {
		t.Errorf("%d handlers for %d kinds of events", len(eventHandlers), n)
	}
}
