# SPDX-License-Identifier: MIT
# A program that lives with the agent in unusual ways, and a module with thread-local variables.
check_PROGRAMS += tests/t/agent-app
tests_t_agent_app_SOURCES = tests/t/agent-app.c
tests_t_agent_app_LDADD = lib/libgpumem.la
check_LTLIBRARIES += tests/t/agent-module.la
tests_t_agent_module_la_SOURCES = tests/t/agent-module.c
tests_t_agent_module_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
dist_check_SCRIPTS += tests/t/agent.t tests/t/borders.t

# A unit test is tests/unit/NAME.c alone unless _SOURCES says otherwise: automake's own rule.
EXTRA_DIST += tests/unit/cgroup_tree.h tests/unit/engine_process.h tests/unit/fake_place.h tests/unit/proc_fixture.h \
	tests/unit/record.h

# The core. What is hidden in libgpumem comes from the convenience libraries it is made of.
core_test_ldadd = lib/libgm-ledger.la lib/libgm-policy.la lib/libgm-discover.la lib/libgm-core.la $(CMOCKA_LIBS)

UNIT_TESTS += \
	tests/unit/test_cgroup \
	tests/unit/test_share \
	tests/unit/test_keep \
	tests/unit/test_signals \
	tests/unit/test_decide \
	tests/unit/test_weave \
	tests/unit/test_mempolicy \
	tests/unit/test_placing \
	tests/unit/test_node_now \
	tests/unit/test_engine \
	tests/unit/test_engine_chunks \
	tests/unit/test_duel \
	tests/unit/test_often \
	tests/unit/test_trial \
	tests/unit/test_maps \
	tests/unit/test_numa \
	tests/unit/test_quiet \
	tests/unit/test_residency \
	tests/unit/test_ledger \
	tests/unit/test_record \
	tests/unit/test_survivors \
	tests/unit/test_svm \
	tests/unit/test_loader \
	tests/unit/test_move \
	tests/unit/test_pages \
	tests/unit/test_exchange
# End of UNIT_TESTS
tests_unit_test_cgroup_LDADD = $(core_test_ldadd)
tests_unit_test_keep_LDADD = $(core_test_ldadd)
tests_unit_test_signals_LDADD = $(core_test_ldadd)
tests_unit_test_share_LDADD = $(core_test_ldadd)
tests_unit_test_decide_LDADD = $(core_test_ldadd)
tests_unit_test_weave_LDADD = $(core_test_ldadd)
tests_unit_test_mempolicy_LDADD = $(core_test_ldadd)
tests_unit_test_placing_LDADD = $(core_test_ldadd)
tests_unit_test_node_now_LDADD = $(core_test_ldadd)
tests_unit_test_maps_LDADD = $(core_test_ldadd)
tests_unit_test_numa_LDADD = $(core_test_ldadd)
tests_unit_test_residency_LDADD = $(core_test_ldadd)
tests_unit_test_ledger_LDADD = $(core_test_ldadd)
tests_unit_test_record_LDADD = $(core_test_ldadd)
tests_unit_test_survivors_LDADD = $(core_test_ldadd)
tests_unit_test_svm_LDADD = $(core_test_ldadd)
tests_unit_test_loader_LDADD = $(core_test_ldadd)
tests_unit_test_loader_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=dlopen
tests_unit_test_move_LDADD = $(core_test_ldadd)
tests_unit_test_quiet_LDADD = $(core_test_ldadd)
fake_place_ldflags = $(AM_LDFLAGS) \
	-Wl,--wrap=gm_maps_read -Wl,--wrap=gm_maps_free \
	-Wl,--wrap=gm_residency_present -Wl,--wrap=gm_residency_sort \
	-Wl,--wrap=gm_place_open -Wl,--wrap=gm_place_close \
	-Wl,--wrap=gm_place_move -Wl,--wrap=gm_place_add -Wl,--wrap=gm_place_move_added -Wl,--wrap=gm_place_prefer \
	-Wl,--wrap=gm_signs_read -Wl,--wrap=gm_signs_faults
tests_unit_test_move_LDFLAGS = $(fake_place_ldflags)
tests_unit_test_exchange_LDADD = $(core_test_ldadd)
tests_unit_test_exchange_LDFLAGS = $(fake_place_ldflags)
tests_unit_test_quiet_LDFLAGS = $(fake_place_ldflags)
tests_unit_test_pages_LDADD = $(core_test_ldadd)
tests_unit_test_pages_LDFLAGS = $(fake_place_ldflags) -Wl,--wrap=gm_page_bytes

# The engine: its own library and libc.
tests_unit_test_engine_LDADD = lib/libgm-engine.la $(CMOCKA_LIBS)
tests_unit_test_engine_chunks_LDADD = lib/libgm-engine.la $(CMOCKA_LIBS)
tests_unit_test_duel_LDADD = lib/libgm-engine.la $(CMOCKA_LIBS)
tests_unit_test_often_LDADD = lib/libgm-engine.la $(CMOCKA_LIBS)
tests_unit_test_trial_LDADD = lib/libgm-engine.la $(CMOCKA_LIBS)
