// Package literal reads and writes numbers and strings as they stand in scripts and in C. It imports nothing of gotrace.
package literal
