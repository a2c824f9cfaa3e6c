# SPDX-License-Identifier: MIT
# Fuzz programs: libFuzzer with --enable-fuzzing, else they replay tests/fuzz/corpus-*.
check_PROGRAMS += \
	tests/fuzz/fuzz_account \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_grammar \
	tests/fuzz/fuzz_plan
# End of fuzz programs

tests_fuzz_fuzz_account_SOURCES = tests/fuzz/fuzz_account.c tests/fuzz/replay.h
tests_fuzz_fuzz_account_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_fuzz_account_LDADD = lib/libgpumem.la
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/fuzz/replay.h
tests_fuzz_fuzz_conf_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_fuzz_conf_LDADD = lib/libgpumem.la
tests_fuzz_fuzz_grammar_SOURCES = tests/fuzz/fuzz_grammar.c tests/fuzz/replay.h
tests_fuzz_fuzz_grammar_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_fuzz_grammar_LDADD = lib/libgpumem.la
tests_fuzz_fuzz_plan_SOURCES = tests/fuzz/fuzz_plan.c tests/fuzz/replay.h
tests_fuzz_fuzz_plan_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_fuzz_plan_LDADD = lib/libgpumem.la

EXTRA_DIST += tests/fuzz/corpus-account tests/fuzz/corpus-conf tests/fuzz/corpus-grammar tests/fuzz/corpus-plan
dist_check_SCRIPTS += tests/t/fuzz-corpus.t
