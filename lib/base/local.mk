# SPDX-License-Identifier: MIT
lib_libgm_core_la_SOURCES += lib/base/err.c lib/base/err.h lib/base/cleanup.h lib/base/clock.h \
	lib/base/loader.c lib/base/loader.h \
	lib/base/own_file.h \
	lib/base/page.c lib/base/page.h \
	lib/base/paths.c lib/base/paths.h \
	lib/base/procfs.c lib/base/procfs.h \
	lib/base/shmem.h
lib_libgpumem_la_SOURCES += \
	lib/base/ctx.c lib/base/ctx.h
