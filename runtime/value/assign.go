package value

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Assign stores a value, as a Codec decodes it, where dst points to. It converts to the types of the caller:
//
//	integers, pointers, booleans  any integer type that holds the value; bool from a bool
//	strings                       string, []byte
//	enums and addresses by name   string (the name, or the number as text) or an integer
//	timestamps                    time.Time
//	tuples, stats                 a struct, its exported fields in order; a slice or array
//	structs of C                  a struct, by name; a map by member name
//	arrays                        a slice or an array
//	histograms                    a slice of Bucket, or of structs with fields as it has
//
// Names are compared without regard to case and underscores; the tag `gotrace:"name"` gives a field another one. A dst of
// type *any takes the value as it is.
func Assign(dst, v any) error {
	p := reflect.ValueOf(dst)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("a value is stored where a pointer points to, not in a %T", dst)
	}
	return assign(p.Elem(), v)
}

// AssignFields stores named values in the struct that dst points to, by name; or in order in a slice or array; or, if there is only
// one, as Assign does.
func AssignFields(dst any, names []string, values []any) error {
	p := reflect.ValueOf(dst)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("values are stored where a pointer points to, not in a %T", dst)
	}
	switch to := p.Elem(); {
	case to.Kind() == reflect.Struct && to.Type() != timeType:
		rec := make(Record, len(names))
		for i, name := range names {
			rec[i] = Member{name, values[i]}
		}
		return assignRecord(to, rec)
	case len(values) == 1:
		return assign(to, values[0])
	default:
		return assignList(to, values)
	}
}

var timeType = reflect.TypeFor[time.Time]()

func assign(to reflect.Value, v any) error {
	if from := reflect.ValueOf(v); from.IsValid() && from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return nil
	}
	if to.Kind() == reflect.Pointer {
		if to.IsNil() {
			to.Set(reflect.New(to.Type().Elem()))
		}
		return assign(to.Elem(), v)
	}
	switch v := v.(type) {
	case int64:
		return assignInt(to, v)
	case uint64:
		return assignUint(to, v)
	case Pointer:
		return assignUint(to, uint64(v))
	case bool:
		return assignBool(to, v)
	case float64:
		if to.CanFloat() {
			to.SetFloat(v)
			return nil
		}
	case string:
		return assignString(to, v)
	case Symbol:
		if to.Kind() == reflect.String {
			to.SetString(v.String())
			return nil
		}
		return assignUint(to, v.Addr)
	case Enum:
		if to.Kind() == reflect.String {
			to.SetString(v.String())
			return nil
		}
		return assignInt(to, v.Value)
	case Tuple:
		return assignTuple(to, v)
	case Stats:
		return assignRecord(to, Record{{"count", v.Count}, {"average", v.Average}, {"total", v.Total}})
	case Record:
		return assignRecord(to, v)
	case []any:
		return assignList(to, v)
	case Histogram:
		return assignHistogram(to, v)
	}
	return mismatch(to, v)
}

func mismatch(to reflect.Value, v any) error {
	return fmt.Errorf("%s does not take %s", to.Type(), describe(v))
}

// describe names a value and its type for messages.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "a value that is not there"
	case int64, uint64:
		return fmt.Sprintf("the number %d", v)
	case bool, float64:
		return fmt.Sprint("the value ", v)
	case string:
		return fmt.Sprintf("the string %q", v)
	case []any:
		return fmt.Sprintf("an array of %d elements", len(v))
	case Tuple:
		return fmt.Sprintf("a tuple of %d elements", len(v))
	case Record:
		return "a struct"
	}
	return "a " + strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", v), "value."))
}

func assignInt(to reflect.Value, v int64) error {
	switch {
	case to.CanInt():
		if to.OverflowInt(v) {
			return mismatch(to, v)
		}
		to.SetInt(v)
	case to.CanUint():
		if v < 0 || to.OverflowUint(uint64(v)) {
			return mismatch(to, v)
		}
		to.SetUint(uint64(v))
	case to.CanFloat():
		to.SetFloat(float64(v))
	default:
		return mismatch(to, v)
	}
	return nil
}

func assignUint(to reflect.Value, v uint64) error {
	switch {
	case to.CanUint():
		if to.OverflowUint(v) {
			return mismatch(to, v)
		}
		to.SetUint(v)
	case to.CanInt():
		if v > 1<<63-1 || to.OverflowInt(int64(v)) {
			return mismatch(to, v)
		}
		to.SetInt(int64(v))
	case to.CanFloat():
		to.SetFloat(float64(v))
	default:
		return mismatch(to, v)
	}
	return nil
}

func assignBool(to reflect.Value, v bool) error {
	if to.Kind() == reflect.Bool {
		to.SetBool(v)
		return nil
	}
	var n int64
	if v {
		n = 1
	}
	if to.CanInt() || to.CanUint() {
		return assignInt(to, n)
	}
	return mismatch(to, v)
}

func assignString(to reflect.Value, v string) error {
	switch {
	case to.Kind() == reflect.String:
		to.SetString(v)
	case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8:
		to.SetBytes([]byte(v))
	default:
		return mismatch(to, v)
	}
	return nil
}

// assignTuple fills a struct in order, because elements of a tuple have no names.
func assignTuple(to reflect.Value, v Tuple) error {
	if to.Kind() != reflect.Struct {
		return assignList(to, v)
	}
	fields := exported(to.Type())
	if len(fields) != len(v) {
		return fmt.Errorf("%s has %d fields for a tuple of %d elements", to.Type(), len(fields), len(v))
	}
	for i, f := range fields {
		if err := assign(to.FieldByIndex(f.Index), v[i]); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

// exported are the fields of a struct type that can be set.
func exported(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("gotrace") != "-" {
			out = append(out, f)
		}
	}
	return out
}

// assignRecord fills a struct or a map by name. A field that the value has nothing for is a mistake of the caller's; members
// that the struct does not name are left out.
func assignRecord(to reflect.Value, v Record) error {
	switch to.Kind() {
	case reflect.Struct:
	case reflect.Map:
		return assignNames(to, v)
	default:
		return mismatch(to, v)
	}
	for _, f := range exported(to.Type()) {
		m, ok := v.find(f)
		if !ok {
			return fmt.Errorf("nothing has the name of field %s of %s: there are %s", f.Name, to.Type(), strings.Join(v.names(), ", "))
		}
		if err := assign(to.FieldByIndex(f.Index), m.Value); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (r Record) names() []string {
	out := make([]string, len(r))
	for i, m := range r {
		out[i] = m.Name
	}
	return out
}

// find is the member for a field of a struct.
func (r Record) find(f reflect.StructField) (Member, bool) {
	name := f.Tag.Get("gotrace")
	for _, m := range r {
		if m.Name == name || name == "" && sameName(m.Name, f.Name) {
			return m, true
		}
	}
	return Member{}, false
}

func sameName(c, g string) bool {
	return strings.EqualFold(strings.ReplaceAll(c, "_", ""), strings.ReplaceAll(g, "_", ""))
}

func assignNames(to reflect.Value, v Record) error {
	if to.Type().Key().Kind() != reflect.String {
		return mismatch(to, v)
	}
	out := reflect.MakeMapWithSize(to.Type(), len(v))
	for _, m := range v {
		el := reflect.New(to.Type().Elem()).Elem()
		if err := assign(el, m.Value); err != nil {
			return fmt.Errorf("member %s: %w", m.Name, err)
		}
		out.SetMapIndex(reflect.ValueOf(m.Name).Convert(to.Type().Key()), el)
	}
	to.Set(out)
	return nil
}

// assignList fills a slice or an array.
func assignList(to reflect.Value, v []any) error {
	switch {
	case to.Kind() == reflect.Slice:
		to.Set(reflect.MakeSlice(to.Type(), len(v), len(v)))
	case to.Kind() != reflect.Array || to.Len() != len(v):
		return mismatch(to, v)
	}
	for i, e := range v {
		if err := assign(to.Index(i), e); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func assignHistogram(to reflect.Value, h Histogram) error {
	if to.Kind() != reflect.Slice || to.Type().Elem().Kind() != reflect.Struct {
		return mismatch(to, h)
	}
	out := reflect.MakeSlice(to.Type(), len(h), len(h))
	for i, b := range h {
		if err := assignRecord(out.Index(i), Record{{"Lo", b.Lo}, {"Hi", b.Hi}, {"Count", b.Count}}); err != nil {
			return err
		}
	}
	to.Set(out)
	return nil
}

// AssignMap stores the elements of a map where dst points to: in a map of Go, in a slice of structs with the fields Key and Value,
// such as Element; or, for a map without a key, the value as Assign does, which is left alone if it was never set.
func (c *MapCodec) AssignMap(dst any, elems []Raw) error {
	p := reflect.ValueOf(dst)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("a map is stored where a pointer points to, not in a %T", dst)
	}
	to := p.Elem()
	switch {
	case !c.Keyed && len(elems) == 0:
		return nil
	case !c.Keyed:
		return assign(to, c.Value.Decode(elems[0].Value))
	case to.Kind() == reflect.Map:
		return c.assignGoMap(to, elems)
	case to.Kind() == reflect.Slice:
		return c.assignElements(to, elems)
	}
	return errors.New("a map with keys is stored in a map, or in a slice of structs with the fields Key and Value, not in a " + to.Type().String())
}

func (c *MapCodec) assignGoMap(to reflect.Value, elems []Raw) error {
	t := to.Type()
	out := reflect.MakeMapWithSize(t, len(elems))
	for _, e := range elems {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := c.assignElement(key, value, e); err != nil {
			return err
		}
		if !key.Comparable() {
			return fmt.Errorf("%s cannot be a key of a map in Go: use a struct for it", describe(c.Key.Decode(e.Key)))
		}
		out.SetMapIndex(key, value)
	}
	to.Set(out)
	return nil
}

func (c *MapCodec) assignElements(to reflect.Value, elems []Raw) error {
	t := to.Type()
	out := reflect.MakeSlice(t, len(elems), len(elems))
	for i, e := range elems {
		el := out.Index(i)
		if el.Kind() != reflect.Struct || !el.FieldByName("Key").IsValid() || !el.FieldByName("Value").IsValid() {
			return fmt.Errorf("%s has no fields Key and Value for the elements of a map", t.Elem())
		}
		if err := c.assignElement(el.FieldByName("Key"), el.FieldByName("Value"), e); err != nil {
			return err
		}
	}
	to.Set(out)
	return nil
}

func (c *MapCodec) assignElement(key, value reflect.Value, e Raw) error {
	if err := assign(key, c.Key.Decode(e.Key)); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if err := assign(value, c.Value.Decode(e.Value)); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	return nil
}
