# SPDX-License-Identifier: MIT
# libgpumem.so = everything; libgm-core = what the agent shares with it and that needs libc alone.
include_HEADERS += lib/gpumem.h lib/gpumem_job.h

noinst_LTLIBRARIES += lib/libgm-core.la
lib_libgm_core_la_SOURCES =
lib_libgm_core_la_CFLAGS = $(AM_CFLAGS)

lib_LTLIBRARIES += lib/libgpumem.la
lib_libgpumem_la_SOURCES =
lib_libgpumem_la_LIBADD = lib/libgm-core.la
lib_libgpumem_la_DEPENDENCIES = lib/libgm-core.la lib/libgpumem.sym
# Libtool's triple current:revision:age. Code changed: revision + 1. Interface changed: current + 1,
# revision 0. Only added to: age + 1; taken from: age 0.
lib_libgpumem_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,-z,defs \
	-Wl,--version-script=$(top_srcdir)/lib/libgpumem.sym
if SANITIZED
lib_libgpumem_la_LDFLAGS += -Wl,-z,undefs
endif
