#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='the fuzz programs keep their promises on every file of the corpus'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

for corpus in "$SRCDIR"/tests/fuzz/corpus-*; do
	name=${corpus##*/corpus-}
	test_expect_success "$name" '
		test -n "$(ls "$corpus")" &&
		"$BUILDDIR/tests/fuzz/fuzz_$name" "$corpus"/*
	'
done

test_done
