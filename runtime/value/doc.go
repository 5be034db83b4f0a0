// Package value turns the bytes of values, as codegen/layout describes them, into text, JSON and Go values, and compares
// them for sorting. Every type of the language has one Codec; a new type is one more, named in newCodec.
//
// It imports lang's types and the layouts, and nothing that speaks to the kernel: names of addresses come by functions of Env.
package value
