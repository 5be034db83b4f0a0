package runtime

import (
	"errors"
	"fmt"
	"strings"
)

// ErrClosed is what reading a session gives after Close.
var ErrClosed = errors.New("the session is closed")

// Snapshot reads a map of the script into Go values. dst points to a map such as map[string]uint64, to a slice of structs with the
// fields Key and Value, which then are in the order in which the map prints, or, for a map without a key, to a value: an integer, a
// string, a struct for a tuple, a slice of value.Bucket for a histogram. What a type takes is said at value.Assign. A map without
// a key that was never set leaves dst as it is.
//
// Snapshot may be called from any goroutine while the session runs, and from its Sink.
func (s *Session) Snapshot(name string, dst any) error {
	name = strings.TrimPrefix(name, "@")
	for m, sm := range s.scriptMaps {
		if m.Name != name {
			continue
		}
		elems, err := s.elements(sm)
		if err != nil {
			return err
		}
		codec := s.values.MapCodec(m, 1)
		codec.Sort(elems)
		if err := codec.AssignMap(dst, elems); err != nil {
			return fmt.Errorf("reading @%s: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("the script has no map @%s", name)
}
