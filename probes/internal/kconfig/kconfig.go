// Package kconfig reads the settings that the kernel was built with. It imports nothing of gotrace.
package kconfig

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"strings"
)

// Reader gives the settings of the kernel of a release (`uname -r`). They are read when the first is asked for.
func Reader(release string) func(name string) (string, bool) {
	var settings map[string]string
	return func(name string) (string, bool) {
		if settings == nil {
			settings = readConfig(release)
		}
		v, ok := settings[name]
		return v, ok
	}
}

// readConfig reads the settings from where the kernel or a distribution keeps them; none if that is nowhere.
func readConfig(release string) map[string]string {
	for _, path := range []string{"/boot/config-" + release, "/lib/modules/" + release + "/config", "/proc/config.gz"} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(path, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				continue
			}
		}
		return parseConfig(r)
	}
	return map[string]string{}
}

// parseConfig reads lines such as CONFIG_HZ=250 (Documentation/kbuild/kconfig.rst), without their CONFIG_.
func parseConfig(r io.Reader) map[string]string {
	out := map[string]string{}
	s := bufio.NewScanner(r)
	for s.Scan() {
		line, ok := strings.CutPrefix(s.Text(), "CONFIG_")
		if !ok {
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok {
			out[name] = value
		}
	}
	return out
}
