# Targets for users and developers. `make` alone lists them.

GO      ?= go
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 10m
FUZZSHORT ?= 5s
export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: help build run test test-unit test-vm bench check lint tidy fuzz golden clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the gotrace command into ./gotrace
	$(GO) build -o gotrace ./cmd/gotrace

run: build ## run the first example for a few seconds (as root)
	timeout --signal=INT --preserve-status 3 ./gotrace examples/opensnoop.gt

# Fuzzing by a number of inputs: by time, Go's fuzzer fails now and then with "context deadline exceeded" when the time is over.
test: ## all tests: unit, the running kernel when root, and Linux 6.1 and 6.12 in QEMU; then some 400,000 inputs for each fuzz target
	GOTRACE_TEST_VM=1 $(GO) run ./internal/testsum ./...
	$(MAKE) --no-print-directory fuzz FUZZTIME=400000x FUZZSHORT=40000x

test-unit: ## only the tests that need no virtual machine
	$(GO) test ./...

test-vm: ## only the tests on Linux 6.1 and 6.12 in QEMU
	GOTRACE_TEST_VM=1 $(GO) run ./internal/testsum -run '^TestVM$$' ./internal/vmtest

bench: ## compare with the installed bpftrace: start-up, memory, cost of programs, events a second; compile time by length (as root)
	$(GO) run ./internal/bench

check: lint tidy ## what can be said of the source without running it: lint, go.mod

tidy: ## go.mod and go.sum are what the source needs
	$(GO) mod tidy -diff

lint: ## go vet and golangci-lint
	$(GO) vet ./...
	$(GO) run $(GOLANGCI) run

fuzz: ## fuzz the parser, the checker and the readers of binaries and of types, FUZZTIME (10m) each; short lists FUZZSHORT (5s)
	$(GO) test ./lang/syntax -run '^$$' -fuzz '^FuzzParse$$' -fuzzminimizetime 10x -fuzztime $(FUZZTIME)
	$(GO) test ./lang/check -run '^$$' -fuzz '^FuzzCheck$$' -fuzzminimizetime 10x -fuzztime $(FUZZTIME)
	$(GO) test ./internal/symbols -run '^$$' -fuzz '^FuzzParseBinary$$' -fuzzminimizetime 10x -fuzztime $(FUZZTIME)
	$(GO) test ./probes/internal/kbtf -run '^$$' -fuzz '^FuzzNew$$' -fuzzminimizetime 10x -fuzztime $(FUZZTIME)
	for target in lang/format:FuzzFormat internal/symbols:FuzzReadKallsyms internal/symbols:FuzzReadMaps probes:FuzzParseFunctions probes/internal/eventformat:FuzzParse \
		probes/internal/insn:FuzzBoundary probes/internal/kconfig:FuzzParseConfig probes/internal/ldcache:FuzzParse probes/internal/usdt:FuzzArgs internal/symbols:FuzzStaticProbes internal/symbols:FuzzReadFrames internal/symbols:FuzzDemangleD internal/ehframe:FuzzBuild probes/internal/dwarfargs:FuzzArgs probes/internal/insn:FuzzGo \
		internal/symbols:FuzzGoFunctions internal/symbols:FuzzReadTable internal/dwarfinfo:FuzzInfo internal/symbolizer:FuzzPerfMap internal/symbolizer:FuzzEvent; do \
		$(GO) test ./$${target%:*} -run '^$$' -fuzz "^$${target#*:}$$" -fuzzminimizetime 10x -fuzztime $(FUZZSHORT) || exit; done

golden: ## write the golden files anew
	$(GO) test ./codegen/... ./lang/... -run Golden -update

clean: ## remove what was built
	rm -f gotrace
