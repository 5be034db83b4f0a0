package value

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// userCodec is for ids of users, which are shown by name.
type userCodec struct{}

func (userCodec) appendText(dst, b []byte) []byte { return appendUser(dst, userOf(b)) }
func (userCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, appendUser(nil, userOf(b)))
}
func (userCodec) decode(b []byte) any     { return userOf(b) }
func (userCodec) compare(a, b []byte) int { return compareWords(a, b) }

func userOf(b []byte) User {
	id := word(b)
	return User{id, userNames.lookup(id)}
}

func appendUser(dst []byte, u User) []byte {
	if u.Name != "" {
		return append(dst, u.Name...)
	}
	return strconv.AppendUint(dst, u.ID, 10)
}

// users knows the names of users. The file is read when the first is asked for; os/user would bring the C library in.
type users struct {
	path string
	once sync.Once
	name map[uint64]string
}

var userNames = users{path: "/etc/passwd"}

// lookup is the name of a user, "" if there is none.
func (u *users) lookup(id uint64) string {
	u.once.Do(func() {
		f, err := os.Open(u.path)
		if err != nil {
			return // ids have no names then
		}
		defer f.Close()
		u.name = readUsers(f)
	})
	return u.name[id]
}

// maxUsers bounds what a file can make us remember.
const maxUsers = 1 << 16

// readUsers reads lines "name:password:id:…" (passwd(5)). The first name of an id counts; other lines are left out.
func readUsers(r io.Reader) map[uint64]string {
	names := map[uint64]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(names) < maxUsers {
		fields := strings.SplitN(lines.Text(), ":", 4)
		if len(fields) < 4 || fields[0] == "" {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil || names[id] != "" {
			continue
		}
		names[id] = fields[0]
	}
	return names
}
