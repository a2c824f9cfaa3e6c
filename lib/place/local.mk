# SPDX-License-Identifier: MIT
# Files of lib/place and their unit tests.
lib_libgm_core_la_SOURCES += \
	lib/place/devices.h \
	lib/place/kfd.h \
	lib/place/kfd_hsakmt.c \
	lib/place/kfd_ioctl.c \
	lib/place/maps.c lib/place/maps.h \
	lib/place/mempolicy.c lib/place/mempolicy.h \
	lib/place/numa.c lib/place/numa.h \
	lib/place/numa_batch.c lib/place/numa_batch.h \
	lib/place/numa_frames.c \
	lib/place/numa_maps.c lib/place/numa_maps.h \
	lib/place/numa_put.c \
	lib/place/numa_queue.c lib/place/numa_queue.h \
	lib/place/numa_walk.c lib/place/numa_walk.h \
	lib/place/place.c lib/place/place.h \
	lib/place/residency.c lib/place/residency.h \
	lib/place/smi.c lib/place/smi.h \
	lib/place/svm.c lib/place/svm.h \
	lib/place/task_policy.c \
	lib/place/touched.c lib/place/touched.h

# What root does to the cgroups and for the devices of a job; a convenience library, so that the agent goes without it.
noinst_LTLIBRARIES += lib/libgm-cgroups.la
lib_libgm_cgroups_la_SOURCES = \
	lib/place/cgroup_file.c lib/place/cgroup_file.h \
	lib/place/clean.c \
	lib/place/dmem.c \
	lib/place/memcg.c lib/place/memcg.h
# End of lib_libgm_cgroups_la_SOURCES
lib_libgpumem_la_LIBADD += lib/libgm-cgroups.la
lib_libgpumem_la_DEPENDENCIES += lib/libgm-cgroups.la

UNIT_TESTS += \
	tests/unit/test_clean \
	tests/unit/test_dmem \
	tests/unit/test_memcg
tests_unit_test_clean_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_dmem_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
tests_unit_test_memcg_LDADD = lib/libgpumem.la $(CMOCKA_LIBS)
