# SPDX-License-Identifier: MIT
# Files of plugin. Nothing of Slurm is linked: its symbols come from the process that loads us.
if BUILD_PLUGIN
slurmplugin_LTLIBRARIES = plugin/spank_gpumem.la
endif
plugin_spank_gpumem_la_SOURCES = \
	plugin/account.c \
	plugin/dispatch.c \
	plugin/gres.c plugin/gres.h \
	plugin/job.c \
	plugin/option.c \
	plugin/plugin.h \
	plugin/site.c \
	plugin/slurmd.c \
	plugin/step.c \
	plugin/submit.c
# End of plugin_spank_gpumem_la_SOURCES
plugin_spank_gpumem_la_CPPFLAGS = $(AM_CPPFLAGS) $(SLURM_CPPFLAGS)
plugin_spank_gpumem_la_LIBADD = lib/libgpumem.la
plugin_spank_gpumem_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-Wl,--version-script=$(top_srcdir)/plugin/spank_gpumem.lds
plugin_spank_gpumem_la_DEPENDENCIES = lib/libgpumem.la plugin/spank_gpumem.lds
EXTRA_DIST += plugin/spank_gpumem.lds
