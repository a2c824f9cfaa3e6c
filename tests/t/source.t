#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='the borders between the parts, licences, and what linters say'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

command -v shellcheck >/dev/null && test_set_prereq SHELLCHECK
command -v codespell >/dev/null && test_set_prereq CODESPELL

# Sources below the folders given.
sources() { (cd "$SRCDIR" && find "$@" -name '*.[ch]' | sort); }
# Those of them in which the pattern is.
with() {
	pattern=$1
	shift
	# shellcheck disable=SC2046  # a list
	(cd "$SRCDIR" && grep -l -E -e "$pattern" $(sources "$@"))
}

test_expect_success 'every source, script and makefile names its licence' '
	(
		cd "$SRCDIR" &&
		find lib plugin tools etc man tests m4 demo.sh test.sh autogen.sh .ci \
			\( -name "*.[ch]" -o -name "*.mk" -o -name "*.t" -o -name "*.sh" -o -name "*.in" \
			-o -name "x_*.m4" -o -name "*.lds" -o -name "*.sym" -o -path ".ci/*" \
			-o -path "etc/completion/*" \) -type f ! -path "tests/fixtures/*" ! -name "*.pc.in"
	) >files &&
	test "$(wc -l <files)" -gt 150 &&
	while read -r file; do
		head -n 3 "$SRCDIR/$file" | grep -q SPDX-License-Identifier: || echo "$file"
	done <files >without &&
	test_must_be_empty without
'

test_expect_success 'only lib/discover and lib/place name files of /sys, apart from cgroups' '
	(cd "$SRCDIR" && grep -n -E "\"[^\"]*/sys/" $(sources lib plugin tools)) |
		grep -v "^lib/discover/\|^lib/place/\|/sys/fs/cgroup" >found
	test_must_be_empty found
'
test_expect_success 'hwloc, libhsakmt and libnuma are for one file each' '
	for header in hwloc hsakmt numa; do
		with "#include <.*\b$header\.h>" lib plugin tools >found
		test "$(wc -l <found)" -le 1 || { cat found; return 1; }
	done
'
test_expect_success 'lib includes nothing of Slurm' '
	with "#include <slurm" lib >found
	test_must_be_empty found
'
test_expect_success 'plugin and tools see of lib its public header alone' '
	(cd "$SRCDIR" && grep -h -E "#include \"" $(sources plugin tools)) |
		sed "s/.*\"\(.*\)\".*/\1/" | sort -u >included &&
	for name in $(cat included); do
		case $name in config.h | gpumem.h) continue ;; esac
		ls "$SRCDIR/plugin/$name" "$SRCDIR/tools/$name" 2>/dev/null | grep -q . ||
			{ echo "$name"; return 1; }
	done
'
test_expect_success 'lib/policy and the decisions of the agent make no system call' '
	with "#include <(fcntl|unistd|dirent|sys/(stat|mman|ioctl|syscall))\.h>|\bf?open\(" \
		lib/policy lib/agent/decide.c >found
	test_must_be_empty found
'

test_expect_success SHELLCHECK 'scripts are clean' '
	(
		cd "$SRCDIR" &&
		shellcheck -x -P SCRIPTDIR autogen.sh test.sh demo.sh .ci/run tests/packages tests/build \
			tests/guest/each tests/guest/demo tests/vm/run tests/vm/kernel tests/vm/slurm-up \
			tests/vm/slurm-down tests/kfdsim/check tests/fixtures/make tests/fixtures/expect tests/bench/run &&
		shellcheck -s bash etc/completion/gpumem tests/bench/*.bench
	) >out || { cat out; return 1; }
'
test_expect_success CODESPELL 'the words are spelled right' '
	(
		cd "$SRCDIR" &&
		codespell -L bu,perfer,hsa,renderd README.md HACKING.md NEWS.md CONTRIBUTING.md man/*.in etc \
			lib/gpumem.h tests/*/README.md
	) >out || { cat out; return 1; }
'

test_done
