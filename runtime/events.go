package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// errExit is what handling an exit() event returns: the run ends in order.
var errExit = errors.New("exit")

// handler does what a record asks for. It may keep nothing of rec.
type handler func(rec []byte) error

// events handles the records of a session, by event id.
type events struct {
	handlers []handler
	exitCode int
	// exitAfterIter is set by exit() in an iterator: the run ends when all objects were seen.
	exitAfterIter bool
	// silent events only tell of new stacks; heard is set by others.
	silent []bool
	heard  bool
}

// newEvents prepares a handler for each kind of record, so that no format is looked at while events come in.
func (s *Session) newEvents() (*events, error) {
	ev := &events{}
	for i, e := range s.bp.Events {
		if e.ID != i {
			return nil, fmt.Errorf("event %d of the blueprint has id %d", i, e.ID)
		}
		makeHandler, ok := eventHandlers[e.Kind]
		if !ok {
			return nil, fmt.Errorf("event %d has unknown kind %d", i, e.Kind)
		}
		h, err := makeHandler(s, ev, e)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		ev.handlers = append(ev.handlers, h)
		ev.silent = append(ev.silent, e.Kind == layout.EventStack)
	}
	return ev, nil
}

// handle does what one record asks for.
func (ev *events) handle(rec []byte) error {
	id, ok := layout.RecordID(rec)
	if !ok {
		return fmt.Errorf("event record of %d bytes", len(rec))
	}
	if uint64(id) >= uint64(len(ev.handlers)) {
		return fmt.Errorf("event record with unknown id %d", id)
	}
	ev.heard = ev.heard || !ev.silent[id]
	return ev.handlers[id](rec)
}

// eventFields are the arguments of an event.
func eventFields(e *layout.Event) ([]value.Field, error) {
	if len(e.Offs) != len(e.Fields) || len(e.Names) != len(e.Fields) {
		return nil, fmt.Errorf("%d fields, %d offsets and %d names", len(e.Fields), len(e.Offs), len(e.Names))
	}
	fields := make([]value.Field, len(e.Fields))
	for i, t := range e.Fields {
		fields[i] = value.Field{Name: e.Names[i], Type: t, Off: e.Offs[i]}
		// An aggregation does not travel: it is read here.
		if _, ok := t.(types.Agg); !ok && e.Offs[i] < layout.RecordHeader {
			return nil, fmt.Errorf("field %d has offset %d", i, e.Offs[i])
		}
	}
	return fields, nil
}

// eventHandlers makes the handler of each kind of event.
var eventHandlers = map[layout.EventKind]func(*Session, *events, *layout.Event) (handler, error){
	layout.EventPrintf:    printfHandler,
	layout.EventPrint:     printHandler,
	layout.EventPrintMap:  printMapHandler,
	layout.EventPrintElem: printElemHandler,
	layout.EventClear:     mapHandler((*scriptMap).clear),
	layout.EventZero:      mapHandler((*scriptMap).zero),
	layout.EventExit:      exitHandler,
	layout.EventTime:      timeHandler,
	layout.EventStack:     stackHandler,
	layout.EventProcess:   processHandler,
	layout.EventErrorf:    messageHandler,
	layout.EventWarnf:     messageHandler,
	layout.EventJoin:      joinHandler,
	layout.EventCat:       catHandler,
	layout.EventSystem:    systemHandler,
	layout.EventUnwatch:   unwatchHandler,
}

func printfHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil {
		return nil, err
	}
	out := &output.Printf{Pos: e.Pos, Format: s.values.Format(e.Format, fields), Fields: s.values.Fields(fields)}
	return func(rec []byte) error {
		out.Record = rec
		return s.sink.Event(out)
	}, nil
}

func printHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil || len(fields) != 1 {
		return nil, errors.Join(err, errors.New("print without a value"))
	}
	return s.valueHandler(e, fields[0]), nil
}

func printMapHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	m, err := s.mapOf(e)
	if err != nil {
		return nil, err
	}
	codec := s.values.MapCodec(e.Map, e.Div)
	return func([]byte) error {
		elems, err := s.printed(m)
		if err != nil {
			return err
		}
		codec.Sort(elems)
		if e.Top > 0 && int64(len(elems)) > e.Top {
			elems = elems[int64(len(elems))-e.Top:]
		}
		return s.sink.Event(&output.Map{Name: e.Map.Name, Codec: codec, Elements: elems})
	}, nil
}

// printed reads a map to show it.
func (s *Session) printed(m *scriptMap) ([]value.Raw, error) {
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	if err := m.beforePrint(); err != nil {
		return nil, err
	}
	elems, err := m.entries()
	if err == nil && len(elems) == 0 {
		elems = m.unset()
	}
	return elems, err
}

// beforePrint makes the map ready to be shown.
func (s *scriptMap) beforePrint() error {
	if s.swap == nil {
		return nil
	}
	return s.swap.beforePrint()
}

// unset is what print() shows of a map without a key that was never set: its zero, but nothing for a histogram.
func (s *scriptMap) unset() []value.Raw {
	agg, isAgg := s.spec.Script.Value.(types.Agg)
	if s.spec.Script.Key != nil || isAgg && agg.Lines() {
		return nil
	}
	return []value.Raw{s.merge([][]byte{make([]byte, s.spec.Layout.Size)})}
}

// valueHandler prints a value that is in the record.
func (s *Session) valueHandler(e *layout.Event, f value.Field) handler {
	out := &output.Value{Pos: e.Pos, Name: f.Name, Codec: s.values.Codec(f.Type)}
	return func(rec []byte) error {
		out.Bytes = from(rec, f.Off)
		return s.sink.Event(out)
	}
}

// printElemHandler prints one element of a map as a plain value. Of aggregations the record has the key, and the value, which lies
// spread over the CPUs, is read here.
func printElemHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil || len(fields) == 0 {
		return nil, errors.Join(err, errors.New("print of an element without a value"))
	}
	last := fields[len(fields)-1]
	if _, ok := last.Type.(types.Agg); !ok {
		return s.valueHandler(e, last), nil
	}
	m, err := s.mapOf(e)
	if err != nil {
		return nil, err
	}
	out := &output.Value{Pos: e.Pos, Name: last.Name, Codec: s.values.Codec(last.Type)}
	return func(rec []byte) error {
		var key []byte
		if m.keyed() {
			key = field(rec, fields[0].Off, m.spec.KeySize)
		}
		el, err := s.printedElement(m, key)
		if err != nil {
			return err
		}
		out.Bytes = el.Value
		return s.sink.Event(out)
	}, nil
}

// printedElement reads an element of a map to show it; one that is not there has no bytes, which count as zero.
func (s *Session) printedElement(m *scriptMap, key []byte) (value.Raw, error) {
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	if err := m.beforePrint(); err != nil {
		return value.Raw{}, err
	}
	el, _, err := m.lookup(key)
	return el, err
}

func mapHandler(do func(*scriptMap) error) func(*Session, *events, *layout.Event) (handler, error) {
	return func(s *Session, _ *events, e *layout.Event) (handler, error) {
		m, err := s.mapOf(e)
		if err != nil {
			return nil, err
		}
		locked := func() error {
			s.mapsMu.Lock()
			defer s.mapsMu.Unlock()
			return do(m)
		}
		return func([]byte) error {
			if err := locked(); err != nil {
				return err
			}
			return s.sink.Event(output.Emptied{Name: e.Map.Name})
		}, nil
	}
}

func exitHandler(_ *Session, ev *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil {
		return nil, err
	}
	return func(rec []byte) error {
		if len(fields) > 0 {
			code, _, _ := value.Integer(fields[0].Type, from(rec, fields[0].Off))
			ev.exitCode = int(int64(code))
		}
		if e.AfterIter {
			ev.exitAfterIter = true
			return nil
		}
		return errExit
	}, nil
}

func timeHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	out := &output.Time{}
	return func([]byte) error {
		out.Text, out.Time = s.values.Clock.AppendNow(out.Text[:0], e.Format)
		return s.sink.Event(out)
	}, nil
}

// stackHandler looks at the process of a new stack while it is there.
func stackHandler(s *Session, _ *events, _ *layout.Event) (handler, error) {
	return func(rec []byte) error {
		if b := from(rec, layout.RecordHeader); len(b) >= 16 {
			s.names.Seen(binary.NativeEndian.Uint64(b), uint32(binary.NativeEndian.Uint64(b[8:])))
		}
		return nil
	}, nil
}

// processHandler has the tables of a process made.
func processHandler(s *Session, _ *events, _ *layout.Event) (handler, error) {
	return func(rec []byte) error {
		if pid := from(rec, layout.RecordHeader); len(pid) >= 8 && s.unwind != nil {
			s.unwind.Request(uint32(binary.NativeEndian.Uint64(pid)))
		}
		return nil
	}, nil
}

// unwatchHandler detaches the watchpoints at an address.
func unwatchHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil || len(fields) != 1 {
		return nil, errors.Join(err, errors.New("unwatch without an address"))
	}
	return func(rec []byte) error {
		address, _, _ := value.Integer(fields[0].Type, from(rec, fields[0].Off))
		return s.unwatch(address)
	}, nil
}

// mapOf finds the map of an event.
func (s *Session) mapOf(e *layout.Event) (*scriptMap, error) {
	if e.Map == nil {
		return nil, errors.New("no map")
	}
	m, ok := s.scriptMaps[e.Map]
	if !ok {
		return nil, fmt.Errorf("map @%s is not in the blueprint", e.Map.Name)
	}
	return m, nil
}
