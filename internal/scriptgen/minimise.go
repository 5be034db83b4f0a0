package scriptgen

import "strings"

// Minimise removes statements and blocks as long as bad stays true. The script must be one
// of Script's, whose lines are whole statements and whose blocks end in lines that begin with '}'.
func Minimise(script string, bad func(string) bool) string {
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
