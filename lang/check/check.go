package check

import (
	"errors"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/ctypes"
	"github.com/gotrace/gotrace/lang/macro"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Check finds out the types of a script (learn.go), and then all its mistakes.
func Check(file *ast.File, src *source.Source, env Env, opts *Options) (*Checked, source.Diagnostics) {
	if opts == nil {
		opts = &Options{}
	}
	c := &checker{
		file: file, env: env, opts: opts,
		out:  &Checked{File: file, Source: src, Byname: map[string]*Map{}},
		maps: map[string]*mapState{}, funcs: map[string]*ast.Func{},
		once: map[string]bool{}, strange: map[string]bool{},
	}
	c.configure()
	c.definitions()
	c.reparse()
	expanded, mistakes := macro.Expand(c.file)
	c.diags = append(c.diags, mistakes...)
	if mistakes.HasErrors() {
		c.diags.Sort()
		return c.out, c.diags
	}
	c.file, c.out.File = expanded, expanded
	c.leaveOut()
	c.declareFuncs()
	c.items()
	c.learn()
	c.final = true
	for _, p := range c.progs {
		c.program(p)
	}
	c.finishMaps()
	c.uncalled()
	c.finishOptions()
	c.diags.Sort()
	return c.out, c.diags
}

// checker is the state of one check.
type checker struct {
	file  *ast.File
	env   Env
	opts  *Options
	out   *Checked
	diags source.Diagnostics
	c     *ctypes.Types // the script's C definitions

	maps    map[string]*mapState
	mapList []*mapState
	progs   []*progState
	targets int  // of the attach points so far
	lacking bool // a probe has no targets, so that its body is not checked
	final   bool // the walk that reports

	unit          *unit // what is checked, nil in the last walk
	queue         []*unit
	again         bool // the unit is checked again: its variables are found already
	guessing      bool // the type of an unknown operand is guessed from the others
	guesses       int  // in the current unit
	guessingParts bool // so is that of elements of tuples
	mistakes      int  // that a walk before the last one met

	funcs   map[string]*ast.Func
	p       *progState // the current program
	fn      *ast.Func  // the function that is being checked, nil in a probe's body
	scope   *scope
	loop    source.Node // innermost loop body, nil outside
	loops   int         // loops that break and continue can leave
	once    map[string]bool
	strange map[string]bool // names that mean nothing

	left map[string]bool // maps that are mentioned where the script has syntax errors; nil if it has none

	near    int // for how many names near ones were looked for
	missing int // attach points that match nothing

	sizing      bool // the current type is asked for its size
	unreached   int  // depth of statements that are never reached, because of a condition that is a constant
	unevaluated int  // depth of sizeof and the like, whose operands have a type and no value

	options  options
	given    map[string]settingValue // the settings that the script or the environment has, by name
	hasChild *bool                   // what asksForChild found, nil before

	aggregate ast.Expr // the value of the assignment to a map that is being checked, the only place of count() and the like
}

// progState is a program with what the checker needs of it.
type progState struct {
	*Prog
	own     map[source.Node]*varState // variables by their let, for or first assignment
	blocks  map[string]*ast.Var       // names assigned without a let so far, in the order of the text
	wide    map[string]*varState      // those that are used outside of their blocks: of the whole probe
	vars    []*varState               // by their id
	walk    int                       // how often the program was gone through
	choices map[*ast.Comptime]choice  // what `if comptime` chose when the program was gone through
	widened bool                      // a variable turned out to be the whole probe's in this walk
}

// report adds a message in the last round. A place gets only its first message: the programs of a
// probe with several targets find the same mistake.
func (c *checker) report(d source.Diagnostic) {
	if !c.final {
		if d.Severity == source.SevError {
			c.mistakes++
		}
		return
	}
	key := d.Pos.String() + d.Code
	if c.once[key] {
		return
	}
	c.once[key] = true
	d.Message = strings.TrimPrefix(articles.Replace(" "+d.Message), " ")
	d.Hint = articles.Replace(d.Hint)
	c.diags = append(c.diags, d)
}

// articles puts the names of types into sentences.
var articles = strings.NewReplacer(" a int", " an int", " a enum", " an enum", " a avg", " an avg")

// items goes through the top level: definitions, map declarations, and the targets of every probe.
func (c *checker) items() {
	probes := 0
	for _, item := range c.file.Items {
		switch item := item.(type) {
		case *ast.Probe:
			probes++
			c.probe(item)
		case *ast.MapDecl:
			c.declareMap(item)
		}
	}
	switch {
	case c.diags.HasErrors(), c.left != nil:
	case probes == 0:
		c.diags = append(c.diags, source.Errorf(c.file, "no-probes", "the script has no probes"))
	case len(c.progs) == 0:
		c.diags = append(c.diags, source.Errorf(c.firstProbe(), "no-probes", "nothing is left to attach: none of the probes exists here"))
	}
}

// firstProbe is the first attach point of the script.
func (c *checker) firstProbe() source.Node {
	for _, item := range c.file.Items {
		if p, ok := item.(*ast.Probe); ok && len(p.Points) > 0 {
			return p.Points[0]
		}
	}
	return c.file
}

// probe makes the programs of a probe: one for all targets whose arguments have the same types.
func (c *checker) probe(p *ast.Probe) {
	use := c.usesOf(p)
	var all []bound
	var groups []*progState
	var unmatched source.Diagnostics // patterns without a match, which do no harm beside others that have some
	for _, ap := range p.Points {
		targets, diag := c.resolve(ap)
		if diag != nil {
			if diag.Code == "missing-probe" && ap.IsPattern() {
				unmatched = append(unmatched, *diag)
			} else {
				c.diags = append(c.diags, *diag)
			}
		}
		if c.targets += len(targets); c.targets > c.out.Config.MaxProbes {
			c.diags = append(c.diags, source.Errorf(ap, "too-many-probes", "the script has more than %d probes", c.out.Config.MaxProbes).
				WithHint("the setting max_probes allows more"))
			return
		}
		for i := range targets {
			if b, ok := c.bind(ap, &targets[i], use); ok {
				all = append(all, b)
			}
		}
	}
	oneResult(all)
	all, groups = c.dispatch(p, all, use)
	named := map[string][]*progState{}
	for i := range all {
		groups = addTarget(groups, named, p, &all[i], use)
		if len(c.progs)+len(groups) > c.out.Config.MaxPrograms { // a wildcard may match tens of thousands
			break
		}
	}
	if len(groups) == 0 {
		c.diags = append(c.diags, unmatched...)
		c.lacking = true
	}
	for _, g := range groups {
		if len(c.progs) >= c.out.Config.MaxPrograms {
			c.diags = append(c.diags, source.Errorf(p, "too-many-programs", "the script needs more than %d programs", c.out.Config.MaxPrograms).
				WithHint("the setting max_bpf_progs allows more; a probe that uses `probe` needs one for each target"))
			return
		}
		c.progs = append(c.progs, g)
		c.out.Progs = append(c.out.Progs, g.Prog)
	}
}

// resolve finds the targets of an attach point, or says what is wrong if there are none.
func (c *checker) resolve(ap *ast.AttachPoint) ([]Target, *source.Diagnostic) {
	if c.missing >= maxNearNames { // each costs a search of all that the kernel has
		return nil, nil
	}
	if builtin.ProbeKindByName(ap.Provider) == nil {
		d := errUnknownProvider(ap)
		return nil, &d
	}
	targets, err := c.env.Resolve(ap)
	var missing *NotFoundError
	var lacking *MissingError
	isMissing := errors.As(err, &missing) || errors.As(err, &lacking)
	var d source.Diagnostic
	switch {
	case err == nil:
		for i := range targets {
			targets[i].Span = ap.Range()
		}
		c.noteTargets(ap, targets)
		return targets, nil
	case isMissing && c.out.Config.MissingProbes == "ignore":
		return nil, nil
	case isMissing && c.out.Config.MissingProbes == "warn":
		d = source.Warningf(ap, "missing-probe", "%v", err)
	case missing != nil:
		c.missing++
		if missing.Note != "" {
			c.diags = append(c.diags, source.Warningf(ap, "probe-note", "%s", missing.Note))
		}
		d = source.Errorf(ap, "missing-probe", "%v", err)
		if len(missing.Near) > 0 {
			d = d.WithHint("did you mean %s?", strings.Join(missing.Near, ", "))
		}
	default:
		d = source.Errorf(ap, "bad-probe", "%v", err)
	}
	return nil, &d
}

// noteTargets warns of what is to be known of the targets of an attach point.
func (c *checker) noteTargets(ap *ast.AttachPoint, targets []Target) {
	for i := range targets {
		if note := targets[i].Note; note != "" {
			c.diags = append(c.diags, source.Warningf(ap, "probe-note", "%s", note))
		}
	}
}

// program goes through a program.
func (c *checker) program(p *progState) {
	c.p, c.fn, c.scope, c.loop, c.loops = p, nil, newScope(nil), nil, 0
	p.Funcs = nil
	p.blocks = map[string]*ast.Var{}
	for _, v := range p.wide {
		v.seen = false
	}
	if f := p.Probe.Filter; f != nil {
		c.part(func() { c.condition(f) })
	}
	c.block(p.Probe.Body)
	c.functions()
}

// typeOf finds a type of the script, of the traced program, or of the kernel.
func (c *checker) typeOf(keyword, name string) (types.Type, bool) {
	env, ok := c.env.(TargetTypes)
	if !ok || c.p == nil || !c.p.Kind.User {
		return c.c.Find(keyword, name)
	}
	if t, ok := c.c.Own(keyword, name); ok {
		return t, true
	}
	if _, base := types.BaseTypes[name]; !base || keyword != "" {
		if t, ok := env.TargetType(&c.p.Targets[0], keyword, name); ok {
			return t, true
		}
	}
	return c.c.Find(keyword, name)
}

// constOf finds a constant of the script or of the kernel.
func (c *checker) constOf(name string) (types.Int, int64, bool) {
	return c.c.ConstNamed(name)
}

// definitions reads all C definitions of the script.
func (c *checker) definitions() {
	c.c = ctypes.New(c.env.Type, c.env.Kernel(), c.opts.Headers)
	c.c.EnumConst = c.env.EnumConst
	c.c.System = ctypes.NewCSystem(c.c)
	c.c.Fail = func(err error) { c.diags = append(c.diags, c.definitionError(err)) }
	c.c.IncludeOptions()
	for _, d := range c.file.CDefs {
		c.c.Script(d)
	}
	for _, open := range c.c.Conds {
		c.c.Fail(ctypes.CErrorf(open.At, "this #%s has no #endif", open.At.Text))
	}
}

// definitionError puts a mistake at its place, which can be in a header.
func (c *checker) definitionError(err error) source.Diagnostic {
	var place *ctypes.Error
	if !errors.As(err, &place) || place.At.File == nil {
		return source.Errorf(source.Span{}, "c-definition", "%v", err)
	}
	f := place.At.File
	start, end := place.At.Offset, place.At.Offset+len(place.At.Text)
	at := source.Span{Pos: f.Position(start), EndPos: f.Position(end)}
	d := source.Errorf(at, "c-definition", "%v", err)
	if place.Hint != "" {
		d = d.WithHint("%s", place.Hint)
	}
	if f.Name == "" {
		return d
	}
	d.In = &source.Source{Name: f.Name, Text: []byte(f.Text)}
	if by := f.By.File; by != nil && d.Hint == "" {
		p := by.Position(f.By.Offset)
		name := by.Name
		if name == "" {
			name = c.out.Source.At(p).NameOf()
		}
		d = d.WithHint("%s is included at %s:%d:%d", f.Name, name, p.Line, p.Column)
	}
	return d
}
