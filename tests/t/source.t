#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='licences of scripts and makefiles too, and what linters say; borders.t has the borders'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

command -v shellcheck >/dev/null && test_set_prereq SHELLCHECK
command -v codespell >/dev/null && test_set_prereq CODESPELL

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

test_expect_success SHELLCHECK 'scripts are clean' '
	(
		cd "$SRCDIR" &&
		shellcheck -x -P SCRIPTDIR autogen.sh test.sh demo.sh .ci/run tests/packages tests/build \
			tests/guest/each tests/guest/demo tests/vm/run tests/vm/kernel tests/vm/slurm-up \
			tests/vm/slurm-down tests/kfdsim/check tests/fixtures/make tests/fixtures/expect tests/bench/run &&
		shellcheck -s bash etc/completion/gpumem tests/bench/*.bench
	) >out || { cat out; return 1; }
'
test_expect_success 'make check has every test of this folder' '
	for file in "$SRCDIR"/tests/t/*.t; do
		name=tests/t/$(basename "$file")
		grep -rqF --include="*.mk" "$name" "$SRCDIR" || echo "no local.mk has $name"
	done >missing &&
	test_must_be_empty missing
'
test_expect_success 'a whole run names every test of the guest' '
	for file in "$SRCDIR"/tests/guest/*.t; do
		name=$(basename "$file" .t)
		# It needs a kernel that takes ten minutes to build.
		[ "$name" != wall ] || continue
		grep -qE "^	(first|second|third|alone) .* $name( |:|@|\$)" "$SRCDIR/test.sh" || echo "$name is in no guest of test.sh"
	done >missing &&
	test_must_be_empty missing
'

test_expect_success CODESPELL 'the words are spelled right' '
	(
		cd "$SRCDIR" &&
		codespell -L bu,perfer,hsa,renderd,damon README.md HACKING.md NEWS.md CONTRIBUTING.md man/*.in etc \
			lib/gpumem.h lib/gpumem_job.h tests/*/README.md
	) >out || { cat out; return 1; }
'

test_done
