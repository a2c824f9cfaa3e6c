# SPDX-License-Identifier: MIT
# Pages are roff with @WORDS@ that make fills in, so that paths given to make are right too.
# A new page: its name here, its dependency below, its .in file in EXTRA_DIST.
man_MANS = \
	man/gpumem.1 \
	man/gpumem.7 \
	man/gpumem.conf.5 \
	man/spank_gpumem.8
# End of man_MANS
EXTRA_DIST += \
	man/gpumem.1.in \
	man/gpumem.7.in \
	man/gpumem.conf.5.in \
	man/spank_gpumem.8.in
CLEANFILES += $(man_MANS)

man/gpumem.1: $(srcdir)/man/gpumem.1.in
man/gpumem.7: $(srcdir)/man/gpumem.7.in
man/gpumem.conf.5: $(srcdir)/man/gpumem.conf.5.in
man/spank_gpumem.8: $(srcdir)/man/spank_gpumem.8.in

$(man_MANS): Makefile
	$(AM_V_GEN)$(MKDIR_P) man && $(SED) \
		-e 's|@VERSION''@|$(PACKAGE_VERSION)|g' \
		-e 's|@docdir''@|$(docdir)|g' \
		-e 's|@slurmplugindir''@|$(slurmplugindir)|g' \
		-e 's|@sysconfdir''@|$(sysconfdir)|g' \
		'$(srcdir)/$@.in' > $@.tmp && mv $@.tmp $@

dist_check_SCRIPTS += tests/t/man.t
