# SPDX-License-Identifier: MIT
# Files of lib/place and their unit tests.
lib_libgm_core_la_SOURCES += \
	lib/place/kfd.h \
	lib/place/kfd_hsakmt.c \
	lib/place/kfd_ioctl.c \
	lib/place/maps.c lib/place/maps.h \
	lib/place/residency.c lib/place/residency.h \
	lib/place/smi.c lib/place/smi.h \
	lib/place/svm.c lib/place/svm.h \
	lib/place/touched.c lib/place/touched.h
