# SPDX-License-Identifier: MIT
# Files of lib/engine. A library of its own until the agent has given up its older table, whose
# names are the same.
noinst_LTLIBRARIES += lib/libgm-engine.la
lib_libgm_engine_la_CFLAGS = $(AM_CFLAGS)
lib_libgm_engine_la_SOURCES = \
	lib/engine/chunks.c lib/engine/chunks.h \
	lib/engine/duel.c lib/engine/duel.h \
	lib/engine/engine.c lib/engine/engine.h \
	lib/engine/ranking.c lib/engine/ranking.h
