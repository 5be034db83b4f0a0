package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/gotrace/gotrace/lang/types"
)

// bufferCodec is for the bytes of buf(). print() shows them as %r does.
type bufferCodec struct{}

func (bufferCodec) appendText(dst, b []byte) []byte { return appendEscaped(dst, bufferBytes(b)) }

// appendJSON writes the bytes as numbers from -128 to 127, as bpftrace does on machines whose char has a sign.
func (bufferCodec) appendJSON(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, c := range bufferBytes(b) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(int8(c)), 10)
	}
	return append(dst, ']')
}

func (bufferCodec) decode(b []byte) any     { return bytes.Clone(bufferBytes(b)) }
func (bufferCodec) compare(a, b []byte) int { return bytes.Compare(bufferBytes(a), bufferBytes(b)) }

// bufferBytes are the bytes of a types.Buffer at the start of b.
func bufferBytes(b []byte) []byte {
	b = atLeast(b, types.BufferStart)
	return field(b, types.BufferStart, int(binary.NativeEndian.Uint32(b)))
}

// appendEscaped writes bytes as %r does: what is printable in ASCII as it is, all others as \x01.
func appendEscaped(dst, b []byte) []byte {
	for _, c := range b {
		if c >= ' ' && c <= '~' {
			dst = append(dst, c)
		} else {
			dst = fmt.Appendf(dst, `\x%02x`, c)
		}
	}
	return dst
}

// Families of addresses (include/linux/socket.h).
const (
	familyInet  = 2
	familyInet6 = 10
)

// inetCodec is for internet addresses.
type inetCodec struct{}

// appendText writes an address as inet_ntop(3) does, and nothing for families that it does not know.
func (inetCodec) appendText(dst, b []byte) []byte {
	addr := inetOf(b)
	switch {
	case !addr.IsValid():
		return dst
	case oldIn6(addr):
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:])).AppendTo(append(dst, "::"...))
	}
	return addr.AppendTo(dst)
}

// oldIn6 says whether an IPv6 address is one that once stood for one of IPv4: glibc writes those as ::1.2.3.4.
func oldIn6(addr netip.Addr) bool {
	b := addr.As16()
	return addr.Is6() && [12]byte(b[:12]) == [12]byte{} && (b[12] != 0 || b[13] != 0)
}

func (c inetCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, c.appendText(nil, b))
}

func (inetCodec) decode(b []byte) any { return inetOf(b) }

// compare sorts by family, then by address.
func (inetCodec) compare(a, b []byte) int {
	if n := compareWords(a, b); n != 0 {
		return n
	}
	return bytes.Compare(field(a, types.InetStart, 16), field(b, types.InetStart, 16))
}

// inetOf is the address at the start of b, an invalid one of other families.
func inetOf(b []byte) netip.Addr {
	size := map[uint64]int{familyInet: 4, familyInet6: 16}[word(b)]
	addr, _ := netip.AddrFromSlice(field(b, types.InetStart, size))
	return addr
}
