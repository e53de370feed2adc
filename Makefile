# Makefile - builds, tries, tests and installs shmload.
#
#   make                     build/shmload
#   make demo                install what is missing, build, load the files in data/, show the result
#   make test                install what is missing, build, run all tests
#   make MPI=1               build/mpi/shmload-mpi, for several machines; MPI=openmpi or MPI=mpich to choose; make test-mpi
#   make fuzz FUZZ_SECONDS=60 (each target)
#   make install PREFIX=/usr/local DESTDIR=
#
# Libraries come from pkg-config. NAME_CFLAGS and NAME_LIBS (HDF5_LIBS=..., LIBCSV_CFLAGS=...) override it, for
# modules, conda and spack. Builds that must not mix live apart: build/, build/clang/, build/san/ ...

PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
SAN ?=
STRICT ?=
COVERAGE ?=
FUZZ ?=
MPI ?=
FUZZ_SECONDS ?= 60
PYTHON ?= $(firstword $(foreach p,/usr/bin/python3 python3,$(shell $(p) -c 'import h5py, numpy; print("$(p)")' 2>&1 | grep -x '$(p)')))

VERSION := $(shell sed -n 's/.*SHMLOAD_VERSION "\(.*\)".*/\1/p' include/options.h)
VARIANT := $(strip $(filter-out cc gcc,$(notdir $(CC))) $(if $(MPI),$(if $(filter 1,$(MPI)),mpi,$(MPI))) $(if $(SAN),san) $(if $(STRICT),strict) $(if $(COVERAGE),coverage) $(if $(FUZZ),fuzz))
B := $(subst $() $(),-,build/$(VARIANT))
B := $(B:%/=%)

# Several machines: MPI and a parallel HDF5, from pkg-config or else from h5pcc. MPI=1 takes the first of them.
ifneq ($(MPI),)
MPI_KINDS := $(if $(filter 1,$(MPI)),openmpi mpich,$(MPI))
HDF5_MODULE := $(firstword $(foreach k,$(MPI_KINDS),$(shell pkg-config --exists hdf5-$(k) 2>/dev/null && echo hdf5-$(k))))
ifeq ($(HDF5_MODULE),)
H5CC := $(shell h5pcc -show 2>/dev/null)
HDF5_CFLAGS ?= $(filter -I%,$(H5CC))
HDF5_LIBS ?= $(filter -L% -l% -Wl% %.a %.so,$(H5CC))
endif
PROGRAM := shmload-mpi
else
PROGRAM := shmload

# The serial HDF5, whatever the system's choice is where a parallel one stands beside it; without a pkg-config module
# its compiler wrapper knows.
HDF5_MODULE := $(shell pkg-config --exists hdf5-serial 2>/dev/null && echo hdf5-serial || echo hdf5)
ifeq ($(shell pkg-config --exists $(HDF5_MODULE) 2>/dev/null && echo found),)
H5CC := $(shell h5cc -show 2>/dev/null)
HDF5_CFLAGS ?= $(filter -I%,$(H5CC))
HDF5_LIBS ?= $(or $(filter -L% -l% -Wl% %.a %.so,$(H5CC)),-lhdf5)
endif
endif

# Libraries are linked from their archives where they have one: a shared library is five mappings more in each worker
# that is forked. -lNAME becomes -l:libNAME.a where the compiler finds that.
archives = $(foreach l,$(1),$(if $(filter /%,$(shell $(CC) -print-file-name=$(l:-l%=lib%.a))),$(l:-l%=-l:lib%.a),$(l)))

# HDF5's archive, where it links without the network drivers, whose forty shared libraries double the price of a fork.
ifeq ($(MPI)$(origin HDF5_LIBS),undefined)
HDF5_ARCHIVE := -Wl,-Bstatic $(shell pkg-config --libs $(HDF5_MODULE) 2>/dev/null || echo -lhdf5) -Wl,-Bdynamic \
	$(call archives,-lsz -laec -lz) -ldl -lm
ifeq ($(shell f=$$(mktemp) && printf 'int H5open(void);\nint main(void)\n{\n    return H5open();\n}\n' | \
	$(CC) -x c -o "$$f" - $(HDF5_ARCHIVE) 2>/dev/null && "$$f" && echo links; rm -f "$$f"),links)
HDF5_LIBS := $(HDF5_ARCHIVE)
endif
endif
HDF5_LIBS ?= $(shell pkg-config --libs $(HDF5_MODULE) 2>/dev/null || echo -lhdf5)

# $(call library,NAME,pkg-config module,flags where there is no such module)
define library
$(1)_CFLAGS ?= $$(shell pkg-config --cflags $(2) 2>/dev/null)
$(1)_LIBS ?= $$(call archives,$$(shell pkg-config --libs $(2) 2>/dev/null || echo $(3)))
LIBRARY_CFLAGS += $$(patsubst -I%,-isystem %,$$($(1)_CFLAGS))
LIBRARY_LIBS += $$($(1)_LIBS)
endef
$(eval $(call library,HDF5,$(HDF5_MODULE),-lhdf5))
$(eval $(call library,LIBCSV,libcsv,-lcsv))
$(eval $(call library,LIBISAL,libisal,-lisal))
$(eval $(call library,LIBDEFLATE,libdeflate,-ldeflate))
$(eval $(call library,BZIP2,bzip2,-lbz2))
$(eval $(call library,LIBLZMA,liblzma,-llzma))
$(eval $(call library,LIBZSTD,libzstd,-lzstd))
$(eval $(call library,JANSSON,jansson,-ljansson))
$(eval $(call library,ZLIB,zlib,-lz))
LIBRARY_CFLAGS := $(LIBRARY_CFLAGS)
LIBRARY_LIBS := $(LIBRARY_LIBS)
CMOCKA_LIBS ?= -lcmocka

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wwrite-strings -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes $(if $(STRICT),-Werror)
INSTRUMENT := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(if $(COVERAGE),--coverage) $(if $(FUZZ),-fsanitize=fuzzer-no-link)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE= $(WARNINGS) -Iinclude $(LIBRARY_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(INSTRUMENT)
COMPILE = $(CC) $(ALL_CFLAGS) -MMD -MP
# Symbols are bound at the start: otherwise each forked worker would do it anew.
LINK = $(CC) $(CFLAGS) $(INSTRUMENT) -Wl,-z,now $(LDFLAGS)
LINK_LIBS = $(LIBRARY_LIBS) $(LDLIBS) -pthread -lm

SOURCES := $(if $(MPI),$(filter-out src/alone.c,$(wildcard src/*.c)) $(wildcard src/mpi/*.c),$(wildcard src/*.c))
OBJECTS := $(SOURCES:src/%.c=$(B)/obj/%.o)
MODULES := $(filter-out $(B)/obj/main.o,$(OBJECTS))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES := $(patsubst tests/bench/%.c,$(B)/%,$(wildcard tests/bench/*_bench.c))
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
AGAIN = $(MAKE) --no-print-directory

all: $(B)/$(PROGRAM)

$(B)/$(PROGRAM): $(OBJECTS)
	$(LINK) -o $@ $(OBJECTS) $(COVERAGE_EXIT) $(LINK_LIBS)

$(B)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# A test that defines __wrap_NAME gets --wrap=NAME, and so can make mmap(2) or fork(2) fail.
$(UNIT_TESTS): $(B)/%: tests/unit/%.c $(MODULES)
	$(COMPILE) -o $@ $< $(MODULES) $(LDFLAGS) \
		$(shell grep -o '__wrap_[a-z0-9_]*' $< | sort -u | sed 's/__wrap_/-Wl,--wrap=/') $(LINK_LIBS) $(CMOCKA_LIBS)

$(FUZZERS): $(B)/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(MODULES)
	$(COMPILE) -fsanitize=fuzzer -o $@ $< $(MODULES) $(LDFLAGS) $(LINK_LIBS)

$(BENCHES): $(B)/%: tests/bench/%.c $(MODULES)
	$(COMPILE) -o $@ $< $(MODULES) $(LDFLAGS) $(LINK_LIBS)

# Workers leave by _exit(2), which writes no counts; coverage builds write them there.
ifneq ($(COVERAGE),)
COVERAGE_EXIT = tests/tools/coverage_exit.c -Wl,--wrap=_exit
endif

setup:
	@tests/tools/setup

# What setup installs is found by a fresh make only, hence the second one.
demo: setup
	@$(AGAIN) $(PARALLEL) all
	@$(AGAIN) show
show:
	$(B)/shmload data/*.txt data/*.csv -o $(B)/demo.h5 -f -v
	@$(PYTHON) tests/tools/show.py $(B)/demo.h5

test: setup
	@$(AGAIN) $(PARALLEL) build-tests
	@$(AGAIN) check-unit check-cli && echo "make test: everything passed ($(B))" || \
		{ echo "make test: FAILED, see above ($(B))"; exit 1; }

build-tests: all $(UNIT_TESTS) $(B)/failing.so
check: check-unit check-cli

check-unit: $(UNIT_TESTS)
	@failed=; for t in $(UNIT_TESTS); do echo "== $$t"; $$t || failed="$$failed $$t"; done; \
		[ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

# For LD_PRELOAD: makes the n-th call of a function fail.
$(B)/failing.so: tests/tools/failing.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARNINGS) $(CFLAGS) -shared -fPIC -o $@ $< $(LDFLAGS) -ldl

check-cli: all $(B)/failing.so
	@[ -n "$(PYTHON)" ] || { echo "no python3 with h5py and numpy: set PYTHON"; exit 1; }
	SHMLOAD=$(B)/shmload $(PYTHON) -m pytest -q -p no:cacheprovider tests/cli

# All of the faults that 'make test' tries some of: minutes. As root, it changes the kernel's overcommit mode for a moment.
test-faults: all $(B)/failing.so
	FAULTS=all SHMLOAD=$(B)/shmload $(PYTHON) -m pytest -q -p no:cacheprovider tests/cli/test_faults.py

# Other languages' readers, which are large: R's is installed on Debian and Ubuntu, JavaScript's where there is npm.
test-readers: all
	@tests/readers/setup $(B)/readers
	SHMLOAD=$(B)/shmload $(PYTHON) tests/readers/run $(B)/readers

# A Slurm of our own on this machine, for as long as it takes; needs root.
test-slurm: all
	@tests/slurm/setup
	SHMLOAD=$(B)/shmload $(PYTHON) tests/slurm/run

# Several ranks on this machine, with each MPI that there is.
test-mpi: all
	@set -e; for kind in $$(tests/mpi/setup); do \
		$(AGAIN) $(PARALLEL) MPI=$$kind all; \
		case $$kind in mpich) start="mpiexec.hydra" ;; *) start="mpirun --allow-run-as-root --oversubscribe -q" ;; esac; \
		echo "== $$kind"; SHMLOAD=$(B)/shmload SHMLOAD_MPI=build/$$kind/shmload-mpi MPIRUN="$$start" \
			$(PYTHON) -m pytest -q -p no:cacheprovider tests/mpi; done

$(B)/corpus: tests/bench/corpus.c
	@mkdir -p $(@D)
	$(COMPILE) -o $@ $< $(LDFLAGS)

bench bench-quick: all $(BENCHES) $(B)/corpus
	SHMLOAD=$(B)/shmload KERNEL_BENCH=$(B)/kernel_bench CORPUS=$(B)/corpus $(PYTHON) tests/bench/bench.py \
		$(if $(filter %-quick,$@),--quick)

# Hostile text, made up: clang's libFuzzer on the parsing files, and random files against a reading in Python.
fuzz: all
	@tests/fuzz/run $(FUZZ_SECONDS)
	@from=$$(date +%s); SHMLOAD=$(B)/shmload REFERENCE_SEEDS=$$from:$$((from + 5 * $(FUZZ_SECONDS))) \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/cli/test_reference.py
fuzz-quick:
	@tests/fuzz/run 3
build-fuzzers: $(FUZZERS)

# cppcheck stumbles over attributes, and takes pointers to variables for their use, which the compilers tell better.
lint:
	$(AGAIN) $(PARALLEL) CC=gcc STRICT=1 build-tests
	$(AGAIN) $(PARALLEL) CC=clang STRICT=1 build-tests
	printf '%s\n' src/*.c | xargs -P $(shell nproc) -I{} sh -c 'clang-tidy --quiet {} -- $(ALL_CFLAGS) 2>/dev/null'
	cppcheck --quiet --std=c11 -U__GNUC__ --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=uninitvar --suppress=legacyUninitvar -j $(shell nproc) -Iinclude src
	mandoc -T lint -W warning man/shmload.1

coverage:
	@command -v gcovr >/dev/null || { echo "make coverage: gcovr is missing (a package of that name)"; exit 1; }
	$(AGAIN) COVERAGE=1 check
	gcovr --root . --filter src/ --print-summary build/coverage

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(B)/shmload $(DESTDIR)$(PREFIX)/bin/shmload
	install -m 644 man/shmload.1 $(DESTDIR)$(PREFIX)/share/man/man1/shmload.1

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/shmload $(DESTDIR)$(PREFIX)/share/man/man1/shmload.1

dist:
	git archive --prefix=shmload-$(VERSION)/ -o shmload-$(VERSION).tar.gz HEAD

clean:
	rm -rf build

-include $(wildcard $(B)/obj/*.d $(B)/obj/mpi/*.d $(B)/*.d)

.PHONY: all setup demo show test test-mpi build-tests check check-unit check-cli test-faults test-readers test-slurm bench bench-quick fuzz \
	fuzz-quick build-fuzzers lint coverage install uninstall dist clean
