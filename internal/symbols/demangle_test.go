package symbols

import "testing"

func TestDemangle(t *testing.T) {
	for symbol, want := range map[string][2]string{
		"_ZN3geo3addElRKl":                         {"geo::add(long, long const&)", "geo::add"},
		"_ZN3geo5twiceIiEET_S1_":                   {"int geo::twice<int>(int)", "geo::twice<int>"},
		"_ZN4core3fmt5write17h0123456789abcdefE":   {"core::fmt::write", "core::fmt::write"},
		"_RNvCs7NAv3frp1Oz_10hello_rust4fun1":      {"hello_rust::fun1", "hello_rust::fun1"},
		"_ZNSt6vectorIiSaIiEE9push_backEOi@GLIB_2": {"std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector<int, std::allocator<int> >::push_back"},
		"main": {}, "_Zbroken": {}, "": {}, "runtime.main": {},
	} {
		full, short, ok := Demangle(symbol)
		if full != want[0] || short != want[1] || ok != (want[0] != "") {
			t.Errorf("%s: %q, %q, %v", symbol, full, short, ok)
		}
	}
}
