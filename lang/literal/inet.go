package literal

import "net/netip"

// ParseInet reads an IPv4 or IPv6 address as inet_pton(3) does: its four or sixteen bytes.
func ParseInet(text string) (addr []byte, ok bool) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return nil, false
	}
	return a.AsSlice(), true
}
