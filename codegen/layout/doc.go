// Package layout says how records, keys, values and aggregations lie in memory: one definition for the programs that write them and the
// runtime that reads them. It imports nothing of codegen.
package layout
