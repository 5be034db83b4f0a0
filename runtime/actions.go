package runtime

import (
	"context"
	"fmt"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/internal/actions"
	"github.com/gotrace/gotrace/runtime/output"
)

// formatter is the text that an event formats.
func (s *Session) formatter(e *layout.Event) (func(dst, rec []byte) []byte, error) {
	fields, err := eventFields(e)
	if err != nil {
		return nil, err
	}
	return s.values.Format(e.Format, fields).AppendText, nil
}

// messageHandler tells errorf() and warnf().
func messageHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	text, err := s.formatter(e)
	if err != nil {
		return nil, err
	}
	out := &output.Message{Error: e.Kind == layout.EventErrorf, Places: e.Places, Source: s.bp.Checked.Source}
	return func(rec []byte) error {
		out.Text = text(out.Text[:0], rec)
		return s.sink.Event(out)
	}, nil
}

// joinHandler prints the text of a join().
func joinHandler(s *Session, _ *events, _ *layout.Event) (handler, error) {
	out := &output.Printed{Func: "join"}
	return func(rec []byte) error {
		out.Text = append(out.Text[:0], rec[layout.RecordHeader:]...)
		return s.sink.Event(out)
	}, nil
}

// catHandler prints a file.
func catHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	text, err := s.formatter(e)
	if err != nil {
		return nil, err
	}
	out := &output.Printed{Func: "cat"}
	limit, told := s.bp.Checked.Config.MaxCatBytes, false
	return func(rec []byte) error {
		path := string(text(nil, rec))
		data, more, err := actions.ReadFile(path, limit)
		if err != nil {
			s.warn(source.Diagnostics{source.Errorf(e.Places[0], "cat", "cat() cannot read %s: %v", path, err)})
			return nil
		}
		if more && !told {
			told = true
			d := source.Warningf(e.Places[0], "cat-cut", "cat() shows the first %d bytes of %s", limit, path)
			s.warn(source.Diagnostics{d.WithHint("show more: config = { max_cat_bytes = %d }", 4*limit)})
		}
		out.Text = data
		return s.sink.Event(out)
	}, nil
}

// systemHandler runs a command and prints what it prints. Nothing else is handled meanwhile, so that its output comes where it belongs.
func systemHandler(s *Session, _ *events, e *layout.Event) (handler, error) {
	text, err := s.formatter(e)
	if err != nil {
		return nil, err
	}
	out := &output.Printed{Func: "system"}
	skipped := false
	return func(rec []byte) error {
		ctx := s.ctx
		switch {
		case e.Once || ctx == nil:
			ctx = context.Background()
		case ctx.Err() != nil:
			if !skipped {
				skipped = true
				s.warn(source.Diagnostics{source.Warningf(e.Places[0], "system-skipped", "commands of system() are not run any more: the trace was stopped")})
			}
			return nil
		}
		// What the command writes to standard error comes behind what is printed already.
		if err := s.sink.Flush(); err != nil {
			return err
		}
		command := string(text(nil, rec))
		err := actions.Shell(ctx, command, func(b []byte) error {
			out.Text = b
			return s.sink.Event(out)
		})
		if err != nil {
			return fmt.Errorf("running %q: %w", command, err)
		}
		return nil
	}, nil
}
