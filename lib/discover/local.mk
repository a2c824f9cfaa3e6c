# SPDX-License-Identifier: MIT
# Files of lib/discover and their unit tests.
# A convenience library, so that unit tests reach what the shared library hides.
noinst_LTLIBRARIES += lib/libgm-discover.la
lib_libgm_discover_la_SOURCES = \
	lib/discover/cache.c \
	lib/discover/cgroup.c lib/discover/cgroup.h \
	lib/discover/classify.c lib/discover/classify.h \
	lib/discover/devices.c lib/discover/devices.h \
	lib/discover/discover.c \
	lib/discover/dmem.c \
	lib/discover/kfd_topology.c lib/discover/kfd_topology.h \
	lib/discover/locality.c lib/discover/locality.h \
	lib/discover/numa_nodes.c lib/discover/numa_nodes.h \
	lib/discover/numa_order.c lib/discover/numa_order.h \
	lib/discover/numa_stat.c lib/discover/numa_stat.h \
	lib/discover/nvidia.c lib/discover/nvidia.h \
	lib/discover/pci.c lib/discover/pci.h \
	lib/discover/sysfs.c lib/discover/sysfs.h \
	lib/discover/used.c
# End of lib_libgm_discover_la_SOURCES
# What the site says of its devices: this part knows gpumem.conf.
lib_libgpumem_la_SOURCES += lib/discover/given.c
# What the agent asks itself.
lib_libgm_core_la_SOURCES += \
	lib/discover/memcg_room.c lib/discover/memcg_room.h \
	lib/discover/node_now.c lib/discover/node_now.h \
	lib/discover/node_set.c lib/discover/node_set.h \
	lib/discover/room.c lib/discover/room.h

lib_libgpumem_la_LIBADD += lib/libgm-discover.la
lib_libgpumem_la_DEPENDENCIES += lib/libgm-discover.la

if HAVE_HWLOC
pkglib_LTLIBRARIES += lib/gpumem-locality.la
lib_gpumem_locality_la_SOURCES = lib/discover/locality_hwloc.c
lib_gpumem_locality_la_CFLAGS = $(AM_CFLAGS) $(HWLOC_CFLAGS)
lib_gpumem_locality_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared
lib_gpumem_locality_la_LIBADD = $(HWLOC_LIBS)
endif

# ctx.c is in the shared library alone, which hides the rest.
discover_test_ldadd = lib/libgm-discover.la lib/libgm-core.la $(CMOCKA_LIBS)

# With flags of their own, as the library builds ctx.c with libtool.
UNIT_TESTS += tests/unit/test_discover
tests_unit_test_discover_SOURCES = tests/unit/test_discover.c lib/base/ctx.c
tests_unit_test_discover_CFLAGS = $(AM_CFLAGS)
tests_unit_test_discover_LDADD = $(discover_test_ldadd)

UNIT_TESTS += tests/unit/test_discover_classify
tests_unit_test_discover_classify_SOURCES = tests/unit/test_discover_classify.c lib/base/ctx.c
tests_unit_test_discover_classify_CFLAGS = $(AM_CFLAGS)
tests_unit_test_discover_classify_LDADD = $(discover_test_ldadd)

UNIT_TESTS += tests/unit/test_discover_cache
tests_unit_test_discover_cache_SOURCES = tests/unit/test_discover_cache.c lib/base/ctx.c
tests_unit_test_discover_cache_CFLAGS = $(AM_CFLAGS)
tests_unit_test_discover_cache_LDADD = $(discover_test_ldadd)

UNIT_TESTS += tests/unit/test_given
tests_unit_test_given_SOURCES = tests/unit/test_given.c
tests_unit_test_given_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_given_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_devices
tests_fuzz_fuzz_devices_SOURCES = tests/fuzz/fuzz_devices.c tests/fuzz/replay.h
tests_fuzz_fuzz_devices_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_fuzz_devices_LDADD = lib/libgpumem.la

EXTRA_DIST += tests/fixtures tests/fuzz/corpus-devices
if BUILD_TOOLS
dist_check_SCRIPTS += tests/t/list.t tests/t/list-shared.t
endif
