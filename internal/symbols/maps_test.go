package symbols

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const sampleMaps = `00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/dbus daemon
00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/dbus daemon (deleted)
35b1800000-35b1820000 rw-p 00000000 00:00 0 
7fff00000000-7fff00021000 rw-p 00000000 00:00 0                          [stack]
7fff10000000-7fff10001000 r--s 00000000 00:01 7 /tmp/a\012b
`

func TestReadMaps(t *testing.T) {
	var got []Mapping
	err := ReadMaps(strings.NewReader(sampleMaps), func(m Mapping) bool { got = append(got, m); return true })
	want := []Mapping{
		{0x400000, 0x452000, 0x1000, true, "/usr/bin/dbus daemon", false, "08:02", 173521},
		{0x651000, 0x652000, 0x51000, false, "/usr/bin/dbus daemon", true, "08:02", 173521},
		{0x35b1800000, 0x35b1820000, 0, false, "", false, "00:00", 0},
		{0x7fff00000000, 0x7fff00021000, 0, false, "[stack]", false, "00:00", 0},
		{0x7fff10000000, 0x7fff10001000, 0, false, "/tmp/a\nb", false, "00:01", 7},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	n := 0
	if err := ReadMaps(strings.NewReader(sampleMaps), func(Mapping) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("%d mappings are visited, %v", n, err)
	}
}

func TestReadMapsBroken(t *testing.T) {
	for _, text := range []string{
		"nonsense", "1-2 r-xp 0 08:02", "1 r-xp 0 08:02 5", "x-2 r-xp 0 08:02 5", "1-2 r-xp z 08:02 5", "2-1 r-xp 0 08:02 5", "1-2 r 0 08:02 5",
		"1-2 r-xp 0 08:02 5 " + strings.Repeat("x", maxMapsLine),
	} {
		if err := ReadMaps(strings.NewReader(text), func(Mapping) bool { return true }); err == nil {
			t.Errorf("%.50q is taken", text)
		}
	}
}

// The test's own code is in its mappings.
func TestMappings(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	err = Mappings(os.Getpid(), func(m Mapping) bool {
		found = found || m.Path == exe && m.Exec
		return true
	})
	if err != nil || !found {
		t.Errorf("%s is not mapped, %v", exe, err)
	}
	if err := Mappings(-1, func(Mapping) bool { return true }); err == nil {
		t.Error("there is a process -1")
	}
}

func FuzzReadMaps(f *testing.F) {
	f.Add(sampleMaps)
	f.Fuzz(func(t *testing.T, text string) {
		_ = ReadMaps(strings.NewReader(text), func(m Mapping) bool {
			if m.End < m.Start {
				t.Errorf("%+v", m)
			}
			return true
		})
	})
}
