# SPDX-License-Identifier: MIT
# Files of lib/ledger and their unit tests.
lib_libgm_core_la_SOURCES += \
	lib/ledger/layout.h \
	lib/ledger/keep.c \
	lib/ledger/ledger.c lib/ledger/ledger.h

# The record from outside; a convenience library, so that unit tests reach what is hidden.
noinst_LTLIBRARIES += lib/libgm-ledger.la
lib_libgm_ledger_la_SOURCES = \
	lib/ledger/account.c \
	lib/ledger/account_parse.c \
	lib/ledger/account_print.c \
	lib/ledger/change.c lib/ledger/change.h \
	lib/ledger/history.c \
	lib/ledger/names.c \
	lib/ledger/outside.c \
	lib/ledger/record.c \
	lib/ledger/request.c \
	lib/ledger/spec.c \
	lib/ledger/survivors.c \
	lib/ledger/view.c lib/ledger/view.h
# End of lib_libgm_ledger_la_SOURCES
lib_libgpumem_la_LIBADD += lib/libgm-ledger.la
lib_libgpumem_la_DEPENDENCIES += lib/libgm-ledger.la

UNIT_TESTS += tests/unit/test_account tests/unit/test_outside
tests_unit_test_outside_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_account_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
