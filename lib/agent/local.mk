# SPDX-License-Identifier: MIT
# Files of lib/agent and their unit tests.
lib_libgm_core_la_SOURCES += \
	lib/agent/attach.c lib/agent/attach.h \
	lib/agent/batch.c lib/agent/batch.h \
	lib/agent/calls.c \
	lib/agent/decide.c lib/agent/decide.h \
	lib/agent/evict.c lib/agent/evict.h \
	lib/agent/exchange.c \
	lib/agent/headroom.c lib/agent/headroom.h \
	lib/agent/move.c lib/agent/move.h \
	lib/agent/placing.c lib/agent/placing.h \
	lib/agent/proc.c lib/agent/proc.h \
	lib/agent/scan.c \
	lib/agent/settle.c \
	lib/agent/signs.c lib/agent/signs.h \
	lib/agent/sweep.c \
	lib/agent/trace.c lib/agent/trace.h \
	lib/agent/weave.c lib/agent/weave.h
lib_libgpumem_la_SOURCES += lib/agent/self.c

# Preloaded into every task: libc alone.
pkglib_LTLIBRARIES += lib/libgpumem-agent.la
lib_libgpumem_agent_la_SOURCES = \
	lib/agent/agent.c lib/agent/agent.h \
	lib/agent/exec.c \
	lib/agent/rocm.c lib/agent/rocm.h \
	lib/agent/single.c \
	lib/agent/suspend.c lib/agent/suspend.h \
	lib/agent/thread.c lib/agent/thread.h
# ROCr unloads what HSA_TOOLS_LIB named, with the thread in it: nodelete.
lib_libgpumem_agent_la_LIBADD = lib/libgm-core.la
lib_libgpumem_agent_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-Wl,-z,nodelete \
	-export-symbols-regex '^(gpumem_agent_offer_v1|gpumem_agent_stand_down|OnLoad|OnUnload|hsa_init|unshare|setns|execle?|execlp|execve?|execvpe?|fexecve|posix_spawnp?)$$'
