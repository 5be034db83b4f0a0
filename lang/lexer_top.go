package lang

import "strings"

// script cuts the whole script: a "#!" line, then top-level elements.
func (s *scanner) script() {
	s.space()
	if strings.HasPrefix(s.rest(), "#!") {
		start := s.here()
		n := strings.IndexByte(s.rest(), '\n')
		if n < 0 {
			n = len(s.rest())
		}
		s.skip(n)
		s.spaceToken(start)
	}
	for {
		s.space()
		if s.eof() {
			break
		}
		s.items = append(s.items, len(s.list))
		s.item()
	}
	s.emitAs(-1, 0, "")
}

// item cuts one top-level element.
func (s *scanner) item() {
	word := s.src[s.pos : s.pos+wordLen(s.rest())]
	next := byte(0)
	if i := s.afterBlanks(s.pos + len(word)); i < len(s.src) {
		next = s.src[i]
	}
	switch {
	case s.at(0) == '#' && s.at(1) != '!':
		s.emit(tokCDef, directiveLen(s.rest()))
	case (word == "struct" || word == "union" || word == "enum") && s.cdef():
	case word == "config" && (next == '=' || next == '{'):
		s.upToBlock()
	case (word == "macro" || word == "fn") && (isWordStart(next) || next == '(' || next == '{'):
		s.upToBlock()
	case word == "import" && next == '"', word == "let" && (next == '@' || next == '$'):
		s.declaration()
	default:
		s.probe()
	}
}

// directiveLen is the length of a preprocessor line with its continuation lines, blanks at the end left out.
func directiveLen(text string) int {
	for n := 0; ; n++ {
		i := strings.IndexByte(text[n:], '\n')
		if i < 0 {
			return len(strings.TrimRight(text, " \t\r\v\f\n"))
		}
		n += i
		line := strings.TrimRight(text[:n], " \t\r\v\f")
		if !strings.HasSuffix(line, "\\") {
			return len(line)
		}
	}
}

// cdef cuts the C type definition that begins here, its semicolon included. It returns false if this is
// something else that begins with the word struct, union or enum.
func (s *scanner) cdef() bool {
	i := s.pos
	for i < len(s.src) && s.src[i] != '{' {
		c := s.src[i]
		if !isWord(c) && !isBlank(c) && strings.IndexByte("()[],\"/*", c) < 0 {
			return false
		}
		i++
	}
	if i == len(s.src) {
		return false
	}
	start := s.here()
	if end := s.closing(i, '{', '}'); end > 0 {
		s.emit(tokCDef, s.cdefEnd(end)-s.pos)
		return true
	}
	s.emit(tokCDef, len(s.src)-s.pos)
	s.fail(start, "unclosed-block", "this C definition is never closed").EndPos = start
	return true
}

// closing is the offset after the bracket that closes the one at offset i, 0 if there is none.
func (s *scanner) closing(i int, open, close byte) int {
	depth := 0
	for i < len(s.src) {
		if strings.HasPrefix(s.src[i:], "//") || strings.HasPrefix(s.src[i:], "/*") {
			i += blankLen(s.src[i:])
			continue
		}
		switch s.src[i] {
		case open:
			depth++
		case close:
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
	return 0
}

// cdefEnd is the offset after the attributes and the semicolon that may follow the '}' before offset i.
func (s *scanner) cdefEnd(i int) int {
	for {
		j := s.afterBlanks(i)
		switch {
		case strings.HasPrefix(s.src[j:], "__attribute__"):
			open := s.afterBlanks(j + len("__attribute__"))
			if open >= len(s.src) || s.src[open] != '(' {
				return i
			}
			end := s.closing(open, '(', ')')
			if end == 0 {
				return i
			}
			i = end
		case strings.HasPrefix(s.src[j:], ";"):
			return j + 1
		default:
			return i
		}
	}
}

// upToBlock cuts what ends with a block in braces: the config block or a macro.
func (s *scanner) upToBlock() {
	s.brackets = s.brackets[:0]
	for {
		s.space()
		if s.eof() || s.at(0) == '}' {
			return
		}
		opened := s.at(0) == '{'
		s.token()
		if opened {
			s.body()
			return
		}
	}
}

// declaration cuts `import "path";` or `let @x = kind(size);`. A missing semicolon ends it at the end of its line.
func (s *scanner) declaration() {
	s.brackets = s.brackets[:0]
	for {
		line := s.line
		s.space()
		if s.eof() || s.at(0) == '{' || s.at(0) == '}' {
			return
		}
		if s.line > line && strings.IndexByte("=(;@)\"", s.at(0)) < 0 && !s.afterEquals() {
			return
		}
		semicolon := s.at(0) == ';'
		s.token()
		if semicolon {
			return
		}
	}
}

func (s *scanner) afterEquals() bool {
	tok, _ := s.last()
	return tok.Value == "="
}

// probe cuts a probe list with its filter and its block.
func (s *scanner) probe() {
	for {
		s.space()
		switch c := s.at(0); {
		case s.eof():
			return
		case c == ',':
			s.emit(tokPunct, 1)
		case c == '{':
			s.brackets = s.brackets[:0]
			s.punct()
			s.body()
			return
		case c == '<':
			s.brackets = append(s.brackets[:0], bracket{'<', s.here()})
			s.emit(tokAngleOpen, 1)
			s.body()
			return
		case c == '/':
			s.filter()
		case c == '}' || c == ';':
			start := s.here()
			s.skip(1)
			s.spaceToken(start)
			s.fail(start, "unmatched-bracket", "unexpected '"+string(c)+"' between probes")
			return
		default:
			s.attachPoint()
		}
	}
}

// attachPoint cuts an attach point.
func (s *scanner) attachPoint() {
	start := s.here()
	s.emit(tokAttach, s.attachLen())
	if text := s.src[start.Offset:s.pos]; !quotesClosed(text) {
		s.fail(start, codeOpenString, "a quote in this probe is never closed").Hint = `end it with "`
	}
}

// quotesClosed says whether every quoted text in an attach point ends.
func quotesClosed(text string) bool {
	for {
		i := strings.IndexByte(text, '"')
		if i < 0 {
			return true
		}
		n, closed := quotedLen(text[i:])
		if !closed {
			return false
		}
		text = text[i+n:]
	}
}

// attachLen is the length of the attach point that begins here. It ends at a blank, at a comma, at the
// opening of the block or at the slash that opens a filter. Where the provider
// takes a path, slashes and angle brackets belong to the attach point.
func (s *scanner) attachLen() int {
	text := s.rest()
	path := pathProviders[providerOf(text)]
	colons, named := 0, false
	for n := 0; n < len(text); n++ {
		switch c := text[n]; {
		case isBlank(c) || c == ',' || c == '{':
			return n
		case c == '"':
			quoted, _ := quotedLen(text[n:])
			n += quoted - 1
		case c == ':':
			colons++
		case c == '<' && !path:
			return max(n, 1)
		case c == '/' && (!path || colons == 0):
			return max(n, 1)
		case c == '/' && colons > 1 && !named:
			if s.filterFollows(text[n:]) {
				return n
			}
			named = true // the slash is one of the function's name, and so are the others
		}
	}
	return len(text)
}

// filterFollows says whether a slash after the path of an attach point, at the start of text, opens a filter. It is part of a
// (Go) function's name if the attach point ends, at a blank, and a block, a comma or a filter of its own comes next.
func (s *scanner) filterFollows(text string) bool {
	end := strings.IndexAny(text, " \t\r\n,{")
	if end < 0 {
		return false
	}
	if end > 1 && text[end-1] == '/' {
		return true
	}
	next := s.afterBlanks(len(s.src) - len(text) + end)
	return next < len(s.src) && strings.IndexByte("{,</", s.src[next]) < 0
}

// quotedLen is the length of the quoted text that text begins with; a missing quote ends it at the end of the line.
func quotedLen(text string) (n int, closed bool) {
	for n := 1; n < len(text); n++ {
		switch text[n] {
		case '"':
			return n + 1, true
		case '\\':
			n++
		case '\n':
			return n, false
		}
	}
	return len(text), false
}

// pathProviders are the providers whose attach points hold paths.
var pathProviders = map[string]bool{
	"uprobe": true, "u": true, "uretprobe": true, "ur": true, "usdt": true, "U": true,
	"iter": true, "it": true, "watchpoint": true, "w": true, "asyncwatchpoint": true, "aw": true,
}

// providers are the names that a line may begin with for beginsProbe.
var providers = map[string]bool{
	"BEGIN": true, "END": true, "begin": true, "end": true, "self": true, "test": true, "bench": true,
	"tracepoint": true, "t": true, "rawtracepoint": true, "rt": true, "kprobe": true, "k": true,
	"kretprobe": true, "kr": true, "kfunc": true, "kretfunc": true, "fentry": true, "f": true, "fexit": true, "fr": true,
	"uprobe": true, "u": true, "uretprobe": true, "ur": true, "usdt": true, "U": true,
	"interval": true, "i": true, "profile": true, "p": true, "hardware": true, "h": true,
	"software": true, "s": true, "iter": true, "it": true, "watchpoint": true, "w": true,
	"asyncwatchpoint": true, "aw": true,
}

// providerOf is the provider of an attach point, without the `name=` that may precede it.
func providerOf(text string) string {
	n := wordLen(text)
	if n < len(text) && text[n] == '=' {
		text = text[n+1:]
		n = wordLen(text)
	}
	return text[:n]
}

// beginsProbe says whether a line begins here, in its first column, as a probe does.
func (s *scanner) beginsProbe() bool {
	if s.pos != s.lineStart || !isWordStart(s.at(0)) {
		return false
	}
	name := providerOf(s.rest())
	if !providers[name] {
		return false
	}
	if s.at(len(name)) == ':' {
		return true
	}
	i := s.afterBlanks(s.pos + len(name))
	upper := name == "BEGIN" || name == "END" || name == "begin" || name == "end"
	return upper && i < len(s.src) && s.src[i] == '{'
}
