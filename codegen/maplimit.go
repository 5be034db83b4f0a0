package codegen

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/source"
)

// maxMaps is how many kernel maps a program may use: MAX_USED_MAPS (include/linux/bpf_verifier.h).
const maxMaps = 64

// mapUsed is a kernel map that a program uses, and where it does first.
type mapUsed struct {
	spec *layout.MapSpec
	pos  source.Pos
}

// limitMaps refuses a program that uses more maps than the kernel takes, at the first that is too many. Maps without keys share one.
func (k *compiler) limitMaps(p *Program) error {
	script, own := k.mapsOf(p)
	room := maxMaps - own
	if len(script) <= room {
		return nil
	}
	at := script[room]
	return &Error{
		Span: source.Span{Pos: at.pos, EndPos: at.pos},
		Message: fmt.Sprintf("@%s is one map too many: the kernel takes %d for each probe, this one needs %d for maps with keys and %d others",
			at.spec.Script.Name, maxMaps, len(script), own),
		Hint: "split the probe: several with the same attach point run in the order of the script",
	}
}

// mapsOf lists the kernel maps with keys that a program uses, as they stand in the script, and counts the others. A map whose short
// keys are apart is two.
func (k *compiler) mapsOf(p *Program) (script []mapUsed, own int) {
	at := map[string]int{} // index in script
	for i, ins := range p.Insns {
		if !ins.IsLoadFromMap() {
			continue
		}
		name, pos := ins.Reference(), p.Positions[i]
		j, seen := at[name]
		switch {
		case seen && j >= 0 && pos.Offset < script[j].pos.Offset:
			script[j].pos = pos
		case seen:
		case k.ByName[name] == nil || k.ByName[name].Script == nil: // those nil are made last: see ownMaps
			at[name] = -1
			own++
		default:
			at[name] = len(script)
			script = append(script, mapUsed{k.ByName[name], pos})
		}
	}
	slices.SortStableFunc(script, func(a, b mapUsed) int { return cmp.Compare(a.pos.Offset, b.pos.Offset) })
	return script, own
}
