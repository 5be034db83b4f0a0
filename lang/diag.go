package lang

// Severity of a diagnostic.
type Severity uint8

// The severities.
const (
	SevError Severity = iota
	SevWarning
)

// Diagnostic is one message about a place in a script.
type Diagnostic struct {
	Span
	Severity Severity
	Code     string // stable name of the kind of mistake: "undefined-variable"
	Message  string
	Hint     string // what to do, "" if nothing is known
}

// Diagnostics are the messages of one compilation.
type Diagnostics []Diagnostic

// HasErrors says whether any message is an error.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == SevError {
			return true
		}
	}
	return false
}
