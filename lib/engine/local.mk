# SPDX-License-Identifier: MIT
# Files of lib/engine: a library of its own, so that the replay links nothing else.
noinst_LTLIBRARIES += lib/libgm-engine.la
lib_libgm_engine_la_CFLAGS = $(AM_CFLAGS)
lib_libgm_engine_la_SOURCES = \
	lib/engine/chunks.c lib/engine/chunks.h \
	lib/engine/duel.c lib/engine/duel.h \
	lib/engine/engine.c lib/engine/engine.h \
	lib/engine/often.c lib/engine/often.h \
	lib/engine/ranking.c lib/engine/ranking.h \
	lib/engine/share.c lib/engine/share.h \
	lib/engine/trial.c lib/engine/trial.h
lib_libgm_core_la_LIBADD = lib/libgm-engine.la
