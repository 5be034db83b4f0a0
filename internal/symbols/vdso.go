package symbols

import (
	"os"
	"sync"
)

// maxVDSO bounds the vdso: it has a few pages.
const maxVDSO = 1 << 20

// VDSO is the code that the kernel maps into every process, read from our own memory; nil if it cannot be read.
var VDSO = sync.OnceValue(func() (data []byte) {
	_ = Mappings(os.Getpid(), func(m Mapping) bool {
		if m.Path != "[vdso]" || m.End-m.Start > maxVDSO {
			return true
		}
		if mem, err := os.Open("/proc/self/mem"); err == nil {
			defer mem.Close()
			data = make([]byte, m.End-m.Start)
			if _, err := mem.ReadAt(data, int64(m.Start)); err != nil {
				data = nil
			}
		}
		return false
	})
	return data
})
