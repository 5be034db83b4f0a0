package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// errExit is what handling an exit() event returns: the run ends in order.
var errExit = errors.New("exit")

// eventHeader is the size of what every record begins with (see codegen.Event).
const eventHeader = 8

// handler does what a record asks for. It may keep nothing of rec.
type handler func(rec []byte) error

// events handles the records of a session, by event id.
type events struct {
	handlers []handler
	buf      []byte
	exitCode int
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
	}
	return ev, nil
}

// handle does what one record asks for.
func (ev *events) handle(rec []byte) error {
	if len(rec) < eventHeader {
		return fmt.Errorf("event record of %d bytes", len(rec))
	}
	id := binary.NativeEndian.Uint32(rec)
	if uint64(id) >= uint64(len(ev.handlers)) {
		return fmt.Errorf("event record with unknown id %d", id)
	}
	return ev.handlers[id](rec)
}

// eventField is an argument of an event.
type eventField struct {
	typ types.Type
	off int // of the value in the record
}

// of is the memory that begins with the field's value.
func (f *eventField) of(rec []byte) []byte {
	return from(rec, f.off)
}

// eventFields are the arguments of an event.
func eventFields(e *layout.Event) ([]eventField, error) {
	if len(e.Offs) != len(e.Fields) {
		return nil, fmt.Errorf("%d fields and %d offsets", len(e.Fields), len(e.Offs))
	}
	fields := make([]eventField, len(e.Fields))
	for i, t := range e.Fields {
		fields[i] = eventField{typ: t, off: e.Offs[i]}
		// An aggregation does not travel: it is read here.
		if _, ok := t.(types.Agg); !ok && e.Offs[i] < eventHeader {
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
}

func printfHandler(s *Session, ev *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil {
		return nil, err
	}
	pieces := s.values.compileFormat(e.Format, fields)
	return func(rec []byte) error {
		dst := ev.buf[:0]
		for _, p := range pieces {
			dst = p(dst, rec)
		}
		ev.buf = dst
		return s.printer.Printf(dst)
	}, nil
}

func printHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil || len(fields) != 1 {
		return nil, errors.Join(err, errors.New("print without a value"))
	}
	return s.valueHandler(fields[0]), nil
}

func printMapHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	m, err := s.mapOf(e)
	if err != nil {
		return nil, err
	}
	return func([]byte) error {
		if err := m.beforePrint(); err != nil {
			return err
		}
		entries, err := m.entries()
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			entries = m.unset()
		}
		return s.printer.Map(s.values.newMapDump(e.Map, entries, e.Top, e.Div))
	}, nil
}

// beforePrint makes the map ready to be shown.
func (s *scriptMap) beforePrint() error {
	if s.swap == nil {
		return nil
	}
	return s.swap.beforePrint()
}

// unset is what print() shows of a map without a key that was never set: its zero, but nothing for a histogram.
func (s *scriptMap) unset() []entry {
	agg, isAgg := s.spec.Script.Value.(types.Agg)
	if s.spec.Script.Key != nil || isAgg && isHist(agg) {
		return nil
	}
	return []entry{s.merge([][]byte{make([]byte, s.spec.Layout.Size)})}
}

// valueHandler prints a value that is in the record.
func (s *Session) valueHandler(f eventField) handler {
	v := &ValueDump{Type: f.typ, values: s.values}
	return func(rec []byte) error {
		v.entry.value = f.of(rec)
		return s.printer.Value(v)
	}
}

// printElemHandler prints one element of a map as a plain value. Of aggregations the record has the key, and the value, which lies
// spread over the CPUs, is read here.
func printElemHandler(s *Session, ev *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil || len(fields) == 0 {
		return nil, errors.Join(err, errors.New("print of an element without a value"))
	}
	last := fields[len(fields)-1]
	agg, ok := last.typ.(types.Agg)
	if !ok {
		return s.valueHandler(last), nil
	}
	m, err := s.mapOf(e)
	if err != nil {
		return nil, err
	}
	return func(rec []byte) error {
		var key []byte
		if m.keyed() {
			key = field(fields[0].of(rec), 0, m.spec.KeySize)
		}
		if err := m.beforePrint(); err != nil {
			return err
		}
		el, ok, err := m.lookup(key)
		if err != nil {
			return err
		}
		if !ok {
			el = entry{words: make([]uint64, m.spec.Layout.Size/8)}
		}
		return s.printer.Value(&ValueDump{Type: agg, entry: el, values: s.values})
	}, nil
}

func mapHandler(do func(*scriptMap) error) func(*Session, *events, *layout.Event) (handler, error) {
	return func(s *Session, _ *events, e *layout.Event) (handler, error) {
		m, err := s.mapOf(e)
		if err != nil {
			return nil, err
		}
		return func([]byte) error { return do(m) }, nil
	}
}

func exitHandler(_ *Session, ev *events, e *layout.Event) (handler, error) {
	fields, err := eventFields(e)
	if err != nil {
		return nil, err
	}
	return func(rec []byte) error {
		if len(fields) > 0 {
			code, _, _ := integer(fields[0].typ, fields[0].of(rec))
			ev.exitCode = int(int64(code))
		}
		return errExit
	}, nil
}

func timeHandler(s *Session, ev *events, e *layout.Event) (handler, error) {
	return func([]byte) error {
		ev.buf = appendTime(ev.buf[:0], e.Format, s.values.clock.now().In(s.values.clock.zone))
		return s.printer.Time(ev.buf)
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
