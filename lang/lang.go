package lang

// Parse reads a script. It returns all mistakes it finds, in the order of the text; the tree is whole only
// if there are none, and never nil. Attach points have their positional parameters replaced
// from opts.Params. opts may be nil.
func Parse(src *Source, opts *Options) (*File, Diagnostics) {
	if opts == nil {
		opts = &Options{}
	}
	return parseText(src, opts.Params)
}
