package syntax

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/source"
)

// TestTooManyTokens holds that a script of too many tokens costs no more of them than are allowed, and gives one message.
func TestTooManyTokens(t *testing.T) {
	repeat := strings.Repeat
	for _, test := range []struct{ name, in string }{
		{"semicolons", "BEGIN { " + repeat(";", 2*maxTokens) + " }"},
		{"open blocks", repeat("BEGIN {", maxTokens/2)},
		{"filters", "BEGIN /" + repeat("1/", maxTokens/2+1) + "1/ { }"},
	} {
		tokens := lex("test", test.in)
		if n := len(tokens.list); n > maxTokens+1 || cap(tokens.list) > 2*maxTokens {
			t.Errorf("%s: %d tokens, room for %d", test.name, n, cap(tokens.list))
		}
		if len(tokens.diags) != 1 || tokens.diags[0].Code != "script-too-long" {
			t.Errorf("%s: %d messages", test.name, len(tokens.diags))
		}
	}
	_, diags := Parse(&source.Source{Name: "test", Text: []byte("BEGIN { " + repeat(";", maxTokens) + "}")}, nil)
	if len(diags) != 1 || diags[0].Pos.Column != maxTokens+5 {
		t.Errorf("messages %v", diags)
	}
}

// TestTooLong holds that names are limited.
func TestTooLong(t *testing.T) {
	repeat := strings.Repeat
	for _, test := range []struct{ name, in, want string }{
		{"comments", "BEGIN { " + repeat("/**/", 1_000_000) + " }", "none"},
		{"a name", "BEGIN { print(" + repeat("a", 1025) + "); }", "1:15 too-long"},
		{"a variable", "BEGIN { $" + repeat("a", 1024) + " = 1; }", "1:9 too-long"},
		{"a map", "BEGIN { @" + repeat("a", 1024) + " = 1; }", "1:9 too-long"},
		{"a number", "BEGIN { print(" + repeat("1", 1025) + "); }", "1:15 too-long"},
		{"names that are allowed", "BEGIN { $" + repeat("a", 1023) + " = " + repeat("b", 1024) + "; }", "none"},
		{"an attach point", "kprobe:" + repeat("a", 8186) + " { }", "1:1 too-long"},
		{"an attach point that is allowed", "kprobe:" + repeat("a", 8185) + " { }", "none"},
	} {
		_, diags := Parse(&source.Source{Name: "test", Text: []byte(test.in)}, nil)
		got := "none"
		if len(diags) > 0 {
			got = strings.TrimPrefix(diags[0].Pos.String(), "test:") + " " + diags[0].Code
		}
		if got != test.want || len(diags) > 1 {
			t.Errorf("%s: got %s, want %s, of %d messages", test.name, got, test.want, len(diags))
		}
	}
}
