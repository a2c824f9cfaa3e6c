# SPDX-License-Identifier: MIT
# Programs of the benches; tests/bench/run uses them.
check_PROGRAMS += \
	tests/bench/engine_epoch \
	tests/bench/evict_peers \
	tests/bench/interleave \
	tests/bench/ledger \
	tests/bench/nothing \
	tests/bench/numa_rate \
	tests/bench/replay/replay \
	tests/bench/stage \
	tests/bench/svm_rate \
	tests/bench/watch
check_LTLIBRARIES += tests/bench/empty.la
if BUILD_PLUGIN
check_LTLIBRARIES += tests/bench/empty_spank.la
bench_plugins = tests/bench/empty_spank.la
endif
# End of the benches' programs
dist_check_SCRIPTS += tests/t/replay.t

.PHONY: bench-programs
bench-programs: tests/bench/engine_epoch tests/bench/evict_peers tests/bench/interleave tests/bench/ledger \
	tests/bench/nothing tests/bench/numa_rate tests/bench/replay/replay tests/bench/stage tests/bench/svm_rate \
	tests/bench/watch tests/guest/load tests/guest/filler \
	tests/bench/empty.la $(bench_plugins)

tests_bench_engine_epoch_SOURCES = tests/bench/engine_epoch.c
tests_bench_engine_epoch_LDADD = lib/libgm-engine.la
tests_bench_replay_replay_SOURCES = \
	tests/bench/replay/belady.c \
	tests/bench/replay/device.h \
	tests/bench/replay/further.c \
	tests/bench/replay/main.c \
	tests/bench/replay/peers.c \
	tests/bench/replay/plot.c \
	tests/bench/replay/product.c \
	tests/bench/replay/published.c \
	tests/bench/replay/queues.c \
	tests/bench/replay/replay.h \
	tests/bench/replay/sized.c \
	tests/bench/replay/tenants.c \
	tests/bench/replay/trace.c \
	tests/bench/replay/workloads.c
tests_bench_replay_replay_LDADD = lib/libgm-engine.la -lm
tests_bench_interleave_SOURCES = tests/bench/interleave.c
tests_bench_nothing_SOURCES = tests/bench/nothing.c
# -rpath: a library that is loaded, not one that is linked into something.
tests_bench_empty_la_SOURCES = tests/bench/empty.c
tests_bench_empty_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_bench_empty_spank_la_SOURCES = tests/bench/empty_spank.c
tests_bench_empty_spank_la_CPPFLAGS = $(AM_CPPFLAGS) $(SLURM_CPPFLAGS)
tests_bench_empty_spank_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_bench_stage_SOURCES = tests/bench/stage.c tests/bench/record.c tests/bench/record.h
tests_bench_stage_LDADD = lib/libgpumem.la

tests_bench_svm_rate_SOURCES = \
	tests/bench/record.c tests/bench/record.h \
	tests/bench/svm_cost.c tests/bench/svm_cost.h \
	tests/bench/svm_rate.c
tests_bench_svm_rate_LDADD = lib/libgm-core.la lib/libgpumem.la
tests_bench_svm_rate_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=gm_svm_move \
	-Wl,--wrap=gm_residency_present,--wrap=gm_residency_sort \
	-Wl,--wrap=gm_ledger_charge,--wrap=gm_ledger_uncharge \
	-Wl,--wrap=gm_maps_read

tests_bench_evict_peers_SOURCES = tests/bench/evict_peers.c
tests_bench_numa_rate_SOURCES = tests/bench/numa_rate.c
tests_bench_numa_rate_LDADD = lib/libgm-core.la lib/libgpumem.la

tests_bench_ledger_SOURCES = tests/bench/ledger.c
tests_bench_ledger_LDADD = lib/libgm-core.la
tests_bench_watch_SOURCES = tests/bench/watch.c
tests_bench_watch_LDADD = lib/libgm-core.la
tests_bench_watch_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=gm_maps_read,--wrap=gm_residency_present,--wrap=gm_residency_sort \
	-Wl,--wrap=gm_touched_probe,--wrap=gm_touched_clear,--wrap=gm_touched_look \
	-Wl,--wrap=gm_referenced_look,--wrap=gm_signs_read,--wrap=gm_signs_faults

EXTRA_DIST += tests/bench/traces/shift.trace tests/bench/traces/sweep.trace
EXTRA_DIST += tests/bench/README.md tests/bench/run \
	tests/bench/agent-load.bench tests/bench/epoch.bench tests/bench/evict-peers.bench tests/bench/launch.bench \
	tests/bench/ledger.bench tests/bench/numa-rate.bench tests/bench/replay.bench tests/bench/watch.bench \
	tests/bench/watch-own.bench tests/bench/svm-rate.bench
