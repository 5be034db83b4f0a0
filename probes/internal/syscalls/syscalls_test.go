package syscalls

import (
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	for event, want := range map[string]string{
		"sys_enter_openat": "\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n",
		"sys_exit_openat":  "\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n",
		"sys_enter_getpid": "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n",
		"sys_enter_nosuch": "", "sys_exit_nosuch": "", "openat": "",
	} {
		got := Format(event)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s:\n%s", event, got)
		}
	}
	if names := Names(); len(names) < 350 || names[0] != "accept" {
		t.Errorf("%d names", len(names))
	}
}
