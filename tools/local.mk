# SPDX-License-Identifier: MIT
# Files of tools.
if BUILD_TOOLS
bin_PROGRAMS += tools/gpumem
endif
tools_gpumem_SOURCES = \
	tools/cmd_check_conf.c \
	tools/cmd_list.c \
	tools/cmd_request.c \
	tools/cmd_report.c \
	tools/cmd_run.c \
	tools/cmd_status.c \
	tools/commands.h \
	tools/gpumem.c \
	tools/jobs.c tools/jobs.h \
	tools/table.c tools/table.h
# End of tools_gpumem_SOURCES
tools_gpumem_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS)
tools_gpumem_LDADD = lib/libgpumem.la $(SMARTCOLS_LIBS)
if BUILD_TOOLS
dist_check_SCRIPTS += tests/t/check-conf.t tests/t/report.t
endif
