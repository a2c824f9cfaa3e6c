# SPDX-License-Identifier: MIT
# Shell tests of no single part, and what they all find in the environment. Sharness keeps no
# results of its own when a harness is active.
AM_TESTS_ENVIRONMENT += export CC='$(CC)' SAN_CFLAGS='$(SAN_CFLAGS)' HARNESS_ACTIVE=t;

dist_check_SCRIPTS += tests/t/install.t tests/t/source.t
if BUILD_TOOLS
dist_check_SCRIPTS += tests/t/cli.t
endif

# What test.sh runs outside make. The folders come with what was built in them, which does not belong
# into a tarball.
EXTRA_DIST += tests/guest tests/vm tests/kfdsim
dist-hook:
	rm -rf $(distdir)/tests/kfdsim/build $(distdir)/tests/guest/.deps $(distdir)/tests/guest/.libs
	rm -f $(distdir)/tests/guest/*.o $(distdir)/tests/guest/.dirstamp
	cd $(distdir) && rm -f $(check_PROGRAMS)
