# SPDX-License-Identifier: MIT
# Decisions before the run. What the agent needs too is in libgm-core, the rest in libgpumem alone.
lib_libgm_core_la_SOURCES += \
	lib/policy/mempolicy.c lib/policy/mempolicy.h \
	lib/policy/plan.c \
	lib/policy/size.c lib/policy/size.h \
	lib/policy/words.c lib/policy/words.h

# Not AC_DEFINE: the path may be given to make.
AM_CPPFLAGS += -DGPUMEM_CONF_PATH='"$(sysconfdir)/slurm/gpumem.conf"'

lib_libgpumem_la_SOURCES += \
	lib/base/conf_file.c \
	lib/policy/conf.c lib/policy/conf.h \
	lib/policy/conf_given.c \
	lib/policy/conf_keys.c \
	lib/policy/conf_line.c lib/policy/conf_line.h \
	lib/policy/conf_node.c \
	lib/policy/conf_parse.c \
	lib/policy/conf_print.c \
	lib/policy/help.c \
	lib/policy/hostlist.c lib/policy/hostlist.h

# The words of a policy: what changes a record that exists reads them too.
noinst_LTLIBRARIES += lib/libgm-policy.la
lib_libgm_policy_la_SOURCES = \
	lib/policy/grammar.c \
	lib/policy/options.c lib/policy/options.h \
	lib/policy/print.c
lib_libgpumem_la_LIBADD += lib/libgm-policy.la
lib_libgpumem_la_DEPENDENCIES += lib/libgm-policy.la

UNIT_TESTS += \
	tests/unit/test_size \
	tests/unit/test_grammar \
	tests/unit/test_conf \
	tests/unit/test_conf_gres \
	tests/unit/test_plan

tests_unit_test_size_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_grammar_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_conf_gres_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_conf_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_plan_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
