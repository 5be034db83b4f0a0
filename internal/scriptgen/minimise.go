package scriptgen

import (
	"strings"
	"time"
)

// Limit bounds a search for shorter scripts: loading one can take seconds, in a virtual machine many. The zero Limit allows nothing.
type Limit struct {
	Tries int       // how many scripts may still be tried
	End   time.Time // when no more are tried
}

// Within is bad as long as the limit allows: after that nothing is bad any more, so that Minimise comes to its end.
func (l *Limit) Within(bad func(string) bool) func(string) bool {
	return func(script string) bool {
		if l.Reached() {
			return false
		}
		l.Tries--
		return bad(script)
	}
}

// Reached says whether no more scripts are tried.
func (l *Limit) Reached() bool { return l.Tries <= 0 || !time.Now().Before(l.End) }

// Minimise removes statements and blocks, then parts of expressions, as long as bad stays true. The script must be one
// of Script's, whose lines are whole statements and whose blocks end in lines that begin with '}'.
func Minimise(script string, bad func(string) bool) string {
	script = fewerLines(script, bad)
	return fewerLines(smaller(script, bad), bad)
}

// fewerLines removes lines.
func fewerLines(script string, bad func(string) bool) string {
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	for changed := true; changed; {
		changed = false
		for i := 0; i < len(lines); i++ {
			for _, end := range removals(lines, i) {
				shorter := append(append([]string{}, lines[:i]...), lines[end:]...)
				if text := strings.Join(shorter, "\n") + "\n"; bad(text) {
					lines, changed = shorter, true
					break
				}
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// removals returns where ranges that begin at line i may end: a whole block with its branches, or the line alone.
func removals(lines []string, i int) []int {
	var ends []int
	if strings.HasSuffix(lines[i], "{") {
		depth := indentOf(lines[i])
		for j := i + 1; j < len(lines); j++ {
			if indentOf(lines[j]) == depth && strings.TrimSpace(lines[j]) == "}" {
				return append(ends, j+1)
			}
		}
		return nil
	}
	if i+2 < len(lines) && indentOf(lines[i]) == 0 { // an attach point: with its filter and body
		for j := i + 1; j < len(lines); j++ {
			if lines[j] == "}" {
				ends = append(ends, j+1)
				break
			}
		}
	}
	return append(ends, i+1)
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, "\t")) }

// smaller puts what is in parentheses, or less, in the place of more.
func smaller(script string, bad func(string) bool) string {
	for i := 0; i < len(script); i++ {
		if script[i] != '(' {
			continue
		}
		for _, s := range simpler(script, i) {
			if len(s) < len(script) && bad(s) {
				script = s
				i-- // the same place again
				break
			}
		}
	}
	return script
}

// simpler are scripts with less in the place of the parentheses that open at offset i.
func simpler(script string, i int) []string {
	end := closing(script, i)
	if end == 0 {
		return nil
	}
	var list []string
	put := func(text string) { list = append(list, script[:i]+text+script[end:]) }
	put("")
	put("1")
	put(`"a"`)
	for j := i + 1; j < end; j++ { // the groups in it
		if script[j] == '(' {
			if e := closing(script, j); e > 0 {
				put(script[j:e])
				j = e - 1
			}
		}
	}
	words := strings.Fields(script[i+1 : end-1]) // the operands of a binary operator
	if len(words) > 2 {
		put("(" + words[0] + ")")
		put("(" + words[len(words)-1] + ")")
		put("(" + strings.Join(words[:len(words)-2], " ") + ")")
		put("(" + strings.Join(words[2:], " ") + ")")
	}
	return list
}

// closing is the offset after the parenthesis that closes the one at offset i, 0 if there is none.
func closing(script string, i int) int {
	depth := 0
	for ; i < len(script) && script[i] != '\n'; i++ {
		switch script[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
