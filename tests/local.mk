# SPDX-License-Identifier: MIT
# Unit tests print TAP; a program that cannot run here exits 77.
TEST_EXTENSIONS = .t
LOG_DRIVER = env CMOCKA_MESSAGE_OUTPUT=TAP $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_DRIVER = $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = export SRCDIR='$(abs_top_srcdir)' BUILDDIR='$(abs_top_builddir)'; \
	export PATH='$(abs_top_builddir)/tools':"$$PATH";

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
TESTS += $(dist_check_SCRIPTS)

# Programs and scripts of the guest's tests; tests/vm/run and test.sh use them.
check_PROGRAMS += tests/guest/filler
tests_guest_filler_SOURCES = tests/guest/filler.c
# The same without the loader, and so without the agent.
if !SANITIZED
check_PROGRAMS += tests/guest/filler_static
tests_guest_filler_static_SOURCES = tests/guest/filler.c
tests_guest_filler_static_LDFLAGS = $(AM_LDFLAGS) -all-static
endif
check_PROGRAMS += tests/guest/load
tests_guest_load_SOURCES = tests/guest/load.c
check_PROGRAMS += tests/guest/api
tests_guest_api_SOURCES = tests/guest/api.c
tests_guest_api_LDADD = lib/libgpumem.la
check_PROGRAMS += tests/guest/numa_move
tests_guest_numa_move_SOURCES = tests/guest/numa_move.c tests/guest/pattern.h
tests_guest_numa_move_LDADD = lib/libgm-core.la
check_PROGRAMS += tests/guest/rocr
tests_guest_rocr_SOURCES = tests/guest/rocr.c
if HAVE_HSAKMT
check_PROGRAMS += tests/guest/vram
tests_guest_vram_SOURCES = tests/guest/vram.c
tests_guest_vram_LDADD = -lhsakmt
endif
# ROCr is there when the test runs, not when it is linked. The -rpath makes libtool build a module.
check_LTLIBRARIES += tests/guest/rocr_user.la
tests_guest_rocr_user_la_SOURCES = tests/guest/rocr_user.c
tests_guest_rocr_user_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
# The plugin's pure part.
if BUILD_PLUGIN
UNIT_TESTS += tests/unit/test_gres
tests_unit_test_gres_SOURCES = tests/unit/test_gres.c plugin/gres.c
tests_unit_test_gres_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugin
tests_unit_test_gres_LDADD = $(CMOCKA_LIBS)
endif

# The example of the documentation, as a user would build it.
check_PROGRAMS += tests/guest/prefetch
tests_guest_prefetch_SOURCES = etc/examples/prefetch.c
tests_guest_prefetch_LDADD = lib/libgpumem.la
