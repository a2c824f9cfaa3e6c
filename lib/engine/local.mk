# SPDX-License-Identifier: MIT
# Files of lib/engine. A library of its own until the agent has given up its older table, whose
# names are the same.
noinst_LTLIBRARIES += lib/libgm-engine.la
lib_libgm_engine_la_CFLAGS = $(AM_CFLAGS)
lib_libgm_engine_la_SOURCES = \
	lib/engine/chunks.c lib/engine/chunks.h
lib_libgm_core_la_SOURCES += lib/engine/share.c lib/engine/share.h
