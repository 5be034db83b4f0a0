// Package kernel says what a kernel can do, as far as it changes the code that is made for it. It imports types.
package kernel
