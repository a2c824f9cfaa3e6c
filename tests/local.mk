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
