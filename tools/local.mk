# SPDX-License-Identifier: MIT
# Files of tools.
if BUILD_TOOLS
bin_PROGRAMS += tools/gpumem
endif
tools_gpumem_SOURCES = \
	tools/cmd_check_conf.c \
	tools/cmd_explain.c \
	tools/cmd_list.c \
	tools/cmd_record.c \
	tools/cmd_request.c \
	tools/cmd_report.c \
	tools/cmd_run.c \
	tools/cmd_status.c \
	tools/cmd_top.c \
	tools/commands.h \
	tools/facts.c tools/facts.h \
	tools/gpumem.c \
	tools/jobs.c tools/jobs.h \
	tools/options.c tools/options.h \
	tools/outside.c tools/outside.h \
	tools/run.h \
	tools/table.c tools/table.h \
	tools/top.h tools/top_data.c tools/top_screen.c tools/top_view.c
# End of tools_gpumem_SOURCES
tools_gpumem_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS) $(CURSES_CFLAGS)
tools_gpumem_LDADD = lib/libgpumem.la $(SMARTCOLS_LIBS) $(CURSES_LIBS)
if BUILD_TOOLS
dist_check_SCRIPTS += tests/t/check-conf.t tests/t/report.t
endif

# What these tests read: a record as agents would have written it.
check_PROGRAMS += tests/t/sample-record
tests_t_sample_record_SOURCES = tests/t/sample-record.c
tests_t_sample_record_LDADD = lib/libgpumem.la
if BUILD_TOOLS
dist_check_SCRIPTS += tests/t/explain.t tests/t/record.t tests/t/set.t tests/t/status.t tests/t/top.t
endif
EXTRA_DIST += tests/t/sample.sh
