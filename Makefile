# SPDX-License-Identifier: Apache-2.0
# The front door of litevpn. `make help` lists the targets. GNU make; one file, no recursion into
# folders; everything that is made lands in $(BUILD).

BUILD ?= build
DESTDIR ?=
CONFIGURE_ARGS ?=

# --- what to install on Debian 12 before building, and before testing -----------------------------
DEBS_BUILD = gcc libc6-dev make autoconf pkgconf libssl-dev libsqlite3-dev libyaml-dev \
	libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libprotobuf-dev grpc-proto \
	libseccomp-dev libcap-ng-dev libmnl-dev liburcu-dev libncurses-dev libnng-dev libgrpc-dev \
	$(if $(filter x86_64,$(shell uname -m)),libipsec-mb-dev)
DEBS_DEMO  = iproute2 iperf3 iputils-ping procps python3-grpcio python3-protobuf
DEBS_TEST  = $(DEBS_DEMO) check shellcheck mandoc nftables sqlite3 openssl python3-scapy \
	python3-openssl python3-cryptography universal-ctags prometheus
DEBS_BENCH = gnuplot-nox openvpn openssl wireguard-tools wireguard-go nghttp2-client nghttp2-server
DEBS_LINT  = clang clang-tidy clang-tools libclang-rt-14-dev cppcheck valgrind

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help deps deps-demo deps-test deps-lint demo check check-unit check-sandbox check-asan check-tsan \
	soak unit-tests load asan tsan valgrind tidy cppcheck man lint install clean distclean \
	deps-bench bench-tunnel bench-ipam bench-api bench-swarm fuzz fuzzers

help:
	@echo 'make              build everything into $(BUILD)/ (installs nothing)'
	@echo 'make demo         set up, then show the whole thing on real traffic (root)'
	@echo 'make check        set up, build, lint and run every test (root)'
	@echo 'make check-sandbox, check-asan   the tests under the strict filters, under sanitizers'
	@echo 'make check-tsan   the tests that load tunneld most, under ThreadSanitizer (root)'
	@echo 'make check-unit   only the unit tests; make lint: only the rules of the house'
	@echo 'make tsan valgrind tidy cppcheck   further analysis; make deps-lint installs the tools'
	@echo 'make bench-tunnel the speed of the tunnel, and of others beside it (root; ten minutes)'
	@echo 'make bench-ipam   the speed of ipamd, and of bare commits beside it (root; two minutes)'
	@echo 'make bench-swarm  ten thousand nodes at one server (root; three minutes)'
	@echo 'make bench-api    the speed of the control API, and of nghttpd beside it (root; three minutes)'
	@echo 'make fuzz T=60    each fuzzer for so many seconds (clang)'
	@echo 'make install      DESTDIR=... prefix by ./configure --prefix=...'
	@echo 'make deps         install the Debian packages that building needs (root)'
	@echo 'make asan man soak clean distclean'

# Installs what is missing, and asks apt only then.
define install_missing
	@missing=$$(for p in $(1); do \
		dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; \
	done); \
	if [ -n "$$missing" ]; then \
		echo "installing:" $$missing; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

deps:
	$(call install_missing,$(DEBS_BUILD))
deps-demo:
	$(call install_missing,$(DEBS_BUILD) $(DEBS_DEMO))
deps-test:
	$(call install_missing,$(DEBS_BUILD) $(DEBS_TEST) $(if $(shell command -v npm),,nodejs npm))
	@$(MAKE) --no-print-directory -s $(NODE_MODULES) || \
		echo 'grpc-js cannot be had by npm here: its part of t_clients will be skipped'
deps-bench: deps-demo
	$(call install_missing,$(DEBS_BENCH))
deps-lint:
	$(call install_missing,$(DEBS_BUILD) $(DEBS_TEST) $(DEBS_LINT))

# Clients that are not ours, at the versions of the lock file; nothing of theirs is run at installation.
NODE_MODULES = $(BUILD)/node_modules/.package-lock.json
$(NODE_MODULES): tests/integration/clients/package-lock.json
	@mkdir -p $(BUILD)
	@cp tests/integration/clients/package.json tests/integration/clients/package-lock.json $(BUILD)
	cd $(BUILD) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null

# Goals that set up the machine run themselves again once everything is there; the rest of this
# file needs config.mk, which make brings about by itself.
SETUP_GOALS = help deps deps-demo deps-test deps-lint demo check check-sandbox check-asan check-tsan soak \
	lint man clean distclean deps-bench bench-tunnel bench-ipam bench-api \
	$(NODE_MODULES)
ifneq ($(filter-out $(SETUP_GOALS),$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

configure: configure.ac
	autoheader
	autoconf
config.mk: configure config.mk.in $(wildcard etc/*.d/*.conf.in)
	./configure $(CONFIGURE_ARGS)
config.h: config.mk ;

demo: deps-demo
	$(MAKE) --no-print-directory all
	BUILD=$(BUILD) tests/integration/demo.sh

check: deps-test
	$(MAKE) --no-print-directory all lint unit-tests load
	BUILD=$(BUILD) tests/run.sh check

check-sandbox: deps-test
	$(MAKE) --no-print-directory all load
	BUILD=$(BUILD) tests/run.sh sandbox

check-asan: deps-test
	$(MAKE) --no-print-directory asan
	BUILD=$(BUILD)/asan tests/run.sh asan

soak: deps-test
	$(MAKE) --no-print-directory all unit-tests load
	BUILD=$(BUILD) tests/run.sh soak
	$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined all
	BUILD=$(BUILD)/asan tests/run.sh soak t_api_random
	$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE=thread all
	BUILD=$(BUILD)/tsan LV_PARTNERS=$(abspath $(BUILD)) tests/run.sh soak t_api_random

bench-tunnel: deps-bench
	$(MAKE) --no-print-directory all $(BUILD)/bench/blast $(BUILD)/bench/tunneld \
		$(BUILD)/bench/tunneld-openssl
	BUILD=$(BUILD) tests/bench/tunnel.sh

bench-ipam: deps-test
	$(MAKE) --no-print-directory all $(BUILD)/bench/ipam_ask $(BUILD)/bench/ipam_work
	BUILD=$(BUILD) tests/bench/ipam.sh

bench-swarm: deps-test
	$(MAKE) --no-print-directory all $(BUILD)/bench/swarm
	BUILD=$(BUILD) tests/bench/swarm.sh

bench-api: deps-bench
	$(MAKE) --no-print-directory all $(BUILD)/bench/api_load $(BUILD)/bench/api_watch
	BUILD=$(BUILD) tests/bench/api.sh

# --- flags ----------------------------------------------------------------------------------------
WARN = -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
	-Wconversion -Wno-sign-conversion -Wundef -Wpointer-arith -Wwrite-strings
WERROR ?=
SANITIZE ?=
ALL_CPPFLAGS = -D_GNU_SOURCE -I. -isystem $(BUILD)/gen $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARN) $(WERROR) $(CFLAGS) -fvisibility=hidden
ALL_LDFLAGS = $(LDFLAGS)
ifeq ($(SANITIZE),)
ALL_CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
ALL_CFLAGS += $(HARDEN_CFLAGS)
ALL_LDFLAGS += $(HARDEN_LDFLAGS)
else
ALL_CPPFLAGS += -DLV_SANITIZE
ALL_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
endif

# --- protobuf: messages between the daemons, on the tunnel, of the API ------------------------------
PROTOS_OWN = tunnel ipc/stats ipc/ipam ipc/tunneld ipc/signer google/rpc/status litevpn/v1/enrollment \
	litevpn/v1/token litevpn/v1/node litevpn/v1/address litevpn/v1/network litevpn/v1/event \
	litevpn/v1/server litekube/network_controller
PROTOS_STD = google/protobuf/any google/protobuf/descriptor google/protobuf/duration \
	google/protobuf/empty google/protobuf/field_mask google/protobuf/timestamp
PROTOS_GRPC = grpc/health/v1/health grpc/reflection/v1/reflection grpc/reflection/v1alpha/reflection
PROTO_PATH = -Iproto -I/usr/include -I$(GRPC_PROTO)
GEN_C = $(patsubst %,$(BUILD)/gen/%.pb-c.c,$(PROTOS_OWN) $(PROTOS_STD) $(PROTOS_GRPC))
GEN_H = $(GEN_C:.c=.h)
GEN_O = $(GEN_C:.c=.o)

$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h: proto/%.proto
	@mkdir -p $(BUILD)/gen
	$(PROTOC_C) $(PROTO_PATH) --c_out=$(BUILD)/gen $<
$(BUILD)/gen/google/protobuf/%.pb-c.c $(BUILD)/gen/google/protobuf/%.pb-c.h:
	@mkdir -p $(BUILD)/gen
	$(PROTOC_C) $(PROTO_PATH) --c_out=$(BUILD)/gen google/protobuf/$*.proto
$(BUILD)/gen/grpc/%.pb-c.c $(BUILD)/gen/grpc/%.pb-c.h:
	@mkdir -p $(BUILD)/gen
	$(PROTOC_C) $(PROTO_PATH) --c_out=$(BUILD)/gen grpc/$*.proto
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(CC) $(ALL_CPPFLAGS) $(CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -fPIE -w -c -o $@ $<

# What reflection serves: the public API with everything that it imports.
API_PROTOS = $(patsubst %,proto/%.proto,$(filter litevpn/% litekube/%,$(PROTOS_OWN)))
$(BUILD)/gen/api.desc: $(API_PROTOS)
	@mkdir -p $(BUILD)/gen
	$(PROTOC) $(PROTO_PATH) --include_imports --include_source_info --descriptor_set_out=$@ \
		$(API_PROTOS) \
		proto/google/rpc/status.proto \
		$(patsubst %,$(GRPC_PROTO)/%.proto,$(PROTOS_GRPC))

# --- programs: each folder is a trust domain; main.c of each is all that its tests do not link -----
SRC_common  = $(sort $(wildcard common/*.c))
SRC_tunneld = $(sort $(wildcard daemons/tunneld/*.c))
SRC_ipamd   = $(sort $(wildcard daemons/ipamd/*.c))
SRC_ctld    = $(sort $(wildcard daemons/ctld/*.c))
SRC_cli     = $(sort $(wildcard cli/*.c))
SRC = $(SRC_common) $(SRC_tunneld) $(SRC_ipamd) $(SRC_ctld) $(SRC_cli)
OBJ = $(SRC:%.c=$(BUILD)/obj/%.o)
TEST_FOLDERS = common tunneld ipamd ctld cli
TEST_SRC = $(sort $(wildcard tests/unit/*.c $(TEST_FOLDERS:%=tests/unit/%/*.c)))
TEST_OBJ = $(TEST_SRC:%.c=$(BUILD)/obj/%.o)
FUZZ_SRC = $(sort $(wildcard tests/fuzz/*/fuzz_*.c))
FUZZ_OBJ = $(FUZZ_SRC:%.c=$(BUILD)/obj/%.o)
BENCH_SRC = tests/bench/blast.c tests/bench/aead_null.c tests/bench/aead_no_mb.c \
	tests/bench/api_load.c tests/bench/api_watch.c \
	tests/bench/ipam_ask.c tests/bench/ipam_work.c tests/bench/swarm.c
BENCH_OBJ = $(BENCH_SRC:%.c=$(BUILD)/obj/%.o)
LOAD_SRC = tests/integration/ipam_load.c tests/integration/facts.c tests/integration/hostile_udp.c \
	tests/integration/lossy.c tests/integration/flow.c tests/unit/dice.c
LOAD_OBJ = $(LOAD_SRC:%.c=$(BUILD)/obj/%.o)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(1)))
main = $(BUILD)/obj/$(1)/main.o

LIBS_base    = $(PROTOBUFC_LIBS) $(NNG_LIBS) $(YAML_LIBS) $(SECCOMP_LIBS) $(CAPNG_LIBS) $(OPENSSL_LIBS) -lpthread
LIBS_tunneld = $(MNL_LIBS) $(URCU_LIBS) $(IPSEC_MB_LIBS)
LIBS_ipamd   = $(SQLITE_LIBS)
LIBS_ctld    = $(GRPC_LIBS)
LIBS_cli     = $(GRPC_LIBS) $(NCURSES_LIBS)

PROGRAMS = $(addprefix $(BUILD)/,tunneld ipamd ctld litevpnctl)
all: $(PROGRAMS)

# -MD and not -MMD: generated headers count as system headers, and objects depend on them.
$(sort $(OBJ) $(TEST_OBJ) $(BENCH_OBJ) $(LOAD_OBJ) $(FUZZ_OBJ)): $(BUILD)/obj/%.o: %.c config.h | $(GEN_H)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MD -MP -c -o $@ $<
-include $(OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(BENCH_OBJ:.o=.d) $(LOAD_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d)

# The descriptors are pulled into the object by the assembler.
$(BUILD)/obj/daemons/ctld/descriptors.o: $(BUILD)/gen/api.desc
$(BUILD)/obj/daemons/ctld/descriptors.o: ALL_CPPFLAGS += -DAPI_DESC='"$(BUILD)/gen/api.desc"'

$(BUILD)/libproto.a:   $(GEN_O)
$(BUILD)/libcommon.a:  $(call obj,$(SRC_common))
$(BUILD)/libtunneld.a: $(call obj,$(SRC_tunneld))
$(BUILD)/libipamd.a:   $(call obj,$(SRC_ipamd))
$(BUILD)/libctld.a:    $(call obj,$(SRC_ctld))
$(BUILD)/libcli.a:     $(call obj,$(SRC_cli))
# Anew each time: a source that is gone must not live on in its archive.
$(BUILD)/lib%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/tunneld:    $(call main,daemons/tunneld) $(BUILD)/libtunneld.a
$(BUILD)/ipamd:      $(call main,daemons/ipamd) $(BUILD)/libipamd.a
$(BUILD)/ctld:       $(call main,daemons/ctld) $(BUILD)/libctld.a
$(BUILD)/litevpnctl: $(call main,cli) $(BUILD)/libcli.a
# What every program ends with: make puts the prerequisites of the rule with the recipe first, but an
# archive must come after whoever needs it.
BASE = $(BUILD)/libcommon.a $(BUILD)/libproto.a
$(PROGRAMS): $(BASE)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter-out $(BASE),$^) $(BASE) \
		$(LIBS_$(patsubst litevpnctl,cli,$(@F))) $(LIBS_base)

# --- unit tests: tests/unit/FOLDER/test_X.c becomes the program tests/FOLDER/test_X, linked with the
# library of its folder, with what else stands in tests/unit/FOLDER, and with the test kit ------------
TESTS = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(foreach f,$(TEST_SRC),$(if $(filter test_%,$(notdir $f)),$f)))
test_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/unit/*.c) \
	$(filter-out tests/unit/$(1)/test_%,$(wildcard tests/unit/$(1)/*.c)))

.SECONDEXPANSION:
$(TESTS): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $$(call test_objects,$$(*D)) \
		$(BUILD)/lib$$(*D).a $(BUILD)/libcommon.a $(BUILD)/libproto.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_$(*D)) $(LIBS_base) $(TEST_LIBS)
# This one refuses memory to what it tests.
$(BUILD)/tests/ipamd/test_shortage: ALL_LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
# configure may have run before check was installed.
TEST_LIBS = $(or $(CHECK_LIBS),$(shell pkg-config --libs check))
unit-tests: $(TESTS)

# --- what integration tests need beside the daemons --------------------------------------------------
LOAD = $(BUILD)/tests/ipam_load $(BUILD)/tests/hostile_udp $(BUILD)/tests/lossy $(BUILD)/tests/flow \
	$(BUILD)/bench/swarm
load: $(LOAD)
$(BUILD)/tests/ipam_load: $(patsubst %.c,$(BUILD)/obj/%.o,tests/integration/ipam_load.c \
		tests/integration/facts.c tests/unit/dice.c) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_base)
$(addprefix $(BUILD)/tests/,hostile_udp lossy flow): $(BUILD)/tests/%: $(BUILD)/obj/tests/integration/%.o \
		$(BUILD)/obj/tests/unit/dice.o
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

# --- benchmarks: what measures beside the daemons ---------------------------------------------------
$(BUILD)/bench/blast: $(BUILD)/obj/tests/bench/blast.o
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^
$(BUILD)/bench/api_load: $(BUILD)/obj/tests/bench/api_load.o $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_ctld) $(LIBS_base)
$(BUILD)/bench/api_watch: $(BUILD)/obj/tests/bench/api_watch.o $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_ctld) $(LIBS_base)
$(BUILD)/bench/ipam_ask: $(BUILD)/obj/tests/bench/ipam_ask.o $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_base)
$(BUILD)/bench/ipam_work: $(BUILD)/obj/tests/bench/ipam_work.o $(BUILD)/libipamd.a $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_ipamd) $(LIBS_base)
$(BUILD)/bench/swarm: $(BUILD)/obj/tests/bench/swarm.o $(BUILD)/libtunneld.a $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_tunneld) $(LIBS_base)
# tunneld with a cipher that only copies, and with none but OpenSSL's: an object of their own comes
# before the library's.
$(BUILD)/bench/tunneld: $(BUILD)/obj/tests/bench/aead_null.o
$(BUILD)/bench/tunneld-openssl: $(BUILD)/obj/tests/bench/aead_no_mb.o
$(BUILD)/bench/tunneld $(BUILD)/bench/tunneld-openssl: $(call main,daemons/tunneld) \
		$(BUILD)/libtunneld.a $(BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(BUILD)/libtunneld.a $(BASE) \
		$(LIBS_tunneld) $(LIBS_base)

# --- fuzzing: tests/fuzz/FOLDER/fuzz_X.c, linked with the library of its folder; T seconds each ------
FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,$(FUZZ_SRC))
FUZZ_SANITIZE = address,undefined
T ?= 60
fuzzers: $(FUZZERS)
# What a fuzzer of FOLDER needs of tests/unit/FOLDER: files that can do without check.
FUZZ_NEEDS_ipamd = memory memory_network memory_node memory_token memory_log \
	model model_net model_session play play_moves
fuzz_objects = $(BUILD)/obj/tests/unit/dice.o $(patsubst %,$(BUILD)/obj/tests/unit/$(1)/%.o,$(FUZZ_NEEDS_$(1)))
$(FUZZERS): $(BUILD)/fuzzers/%: $(BUILD)/obj/tests/fuzz/%.o $$(call fuzz_objects,$$(*D)) \
		$(BUILD)/lib$$(*D).a $(BUILD)/libcommon.a $(BUILD)/libproto.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer,$(FUZZ_SANITIZE) -o $@ $^ $(LIBS_$(*D)) $(LIBS_base)
fuzz:
	$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/fuzz \
		SANITIZE=$(FUZZ_SANITIZE),fuzzer-no-link fuzzers
	for f in $(patsubst tests/fuzz/%.c,%,$(FUZZ_SRC)); do \
		mkdir -p $(BUILD)/fuzz/corpus/$$f && $(BUILD)/fuzz/fuzzers/$$f -max_total_time=$(T) \
			-max_len=4096 -len_control=0 -print_final_stats=1 $(BUILD)/fuzz/corpus/$$f || exit; \
	done

# --- the tests again, and other tools over the same code ------------------------------------------
check-unit: unit-tests
	BUILD=$(BUILD) tests/run.sh unit

asan:
	$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined all unit-tests load

tsan:
	$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE=thread all unit-tests
	BUILD=$(BUILD)/tsan LV_SLOW=5 tests/run.sh unit

# Those that move most between tunneld's threads.
TSAN_TESTS = t_fallback t_no_way t_rekey t_roaming
check-tsan: deps-test
	$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE=thread all load
	BUILD=$(BUILD)/tsan LV_SLOW=5 tests/run.sh check $(TSAN_TESTS)

valgrind: unit-tests
	BUILD=$(BUILD) LV_SLOW=20 LV_WRAP='$(VALGRIND)' tests/run.sh unit
VALGRIND = valgrind --quiet --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite --error-exitcode=9 \
	--suppressions=$(CURDIR)/tests/lint/valgrind.supp

# Only the flags that clang knows; generated code is not looked at.
tidy: $(GEN_H) config.h
	printf '%s\n' $(SRC) | xargs -P "$$(nproc)" -I FILE \
		clang-tidy --quiet --warnings-as-errors="*" FILE -- -std=gnu11 $(ALL_CPPFLAGS) $(WARN) -DAPI_DESC='""'

cppcheck: $(GEN_H) config.h
	cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c11 \
		--inline-suppr --suppressions-list=tests/lint/cppcheck.supp -D__linux__ -D_GNU_SOURCE \
		-I. $(SRC)

MAN = $(sort $(wildcard man/*.[0-9]))
man:
	$(if $(MAN),mandoc -T lint -W warning $(MAN))

SCRIPTS = $(sort $(wildcard .ci/run tests/*.sh tests/*/*.sh etc/init/*/*.sh))
lint: man
	shellcheck -x -P SCRIPTDIR $(SCRIPTS)
	bad=0; for l in tests/lint/*.sh; do "$$l" || bad=1; done; exit "$$bad"

# --- install and clean ----------------------------------------------------------------------------
SYSCONF = $(DESTDIR)$(sysconfdir)/litevpn
install: all
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) $(SYSCONF)
	install -m 755 $(addprefix $(BUILD)/,tunneld ipamd ctld) $(DESTDIR)$(sbindir)
	install -m 755 $(BUILD)/litevpnctl $(DESTDIR)$(bindir)
	test -e $(SYSCONF)/server.yml || install -m 644 etc/server.yml $(SYSCONF)
	test -e $(SYSCONF)/client.yml || install -m 640 etc/client.yml $(SYSCONF)	# may hold a token
	for d in sysusers.d tmpfiles.d; do \
		install -d $(DESTDIR)$(prefix)/lib/$$d && \
		install -m 644 etc/$$d/*.conf $(DESTDIR)$(prefix)/lib/$$d || exit; \
	done
	for c in bash-completion/completions/litevpnctl:bash zsh/site-functions/_litevpnctl:zsh \
		fish/vendor_completions.d/litevpnctl.fish:fish; do \
		install -d $(DESTDIR)$(datarootdir)/$$(dirname $$c) && \
		$(BUILD)/litevpnctl completion $${c##*:} >$(DESTDIR)$(datarootdir)/$${c%:*} || exit; \
	done
	for m in $(MAN); do \
		install -d $(DESTDIR)$(mandir)/man$${m##*.} && \
		install -m 644 $$m $(DESTDIR)$(mandir)/man$${m##*.} || exit; \
	done

clean:
	rm -rf $(BUILD)
distclean: clean
	rm -rf autom4te.cache configure configure~ config.h config.h.in config.h.in~ config.log \
		etc/sysusers.d/litevpn.conf etc/tmpfiles.d/litevpn.conf \
		config.mk config.status
