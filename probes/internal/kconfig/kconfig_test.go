package kconfig

import (
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	c := parseConfig(strings.NewReader("#\n# CONFIG_HZ_100 is not set\nCONFIG_HZ=250\nCONFIG_EXT4_FS=m\nCONFIG_BPF=y\nCONFIG_LOCALVERSION=\"-x=y\"\n"))
	for name, want := range map[string]string{"HZ": "250", "EXT4_FS": "m", "BPF": "y", "LOCALVERSION": `"-x=y"`} {
		if got := c[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if v, ok := c["HZ_100"]; ok {
		t.Errorf("HZ_100 is %q", v)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("CONFIG_HZ=250\n# CONFIG_X is not set\n")
	f.Fuzz(func(_ *testing.T, text string) { parseConfig(strings.NewReader(text)) })
}
