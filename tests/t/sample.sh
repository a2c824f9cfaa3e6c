# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC1090,SC2016,SC2034,SC2086
# What tests of the record's readers begin with, after their test_description: sharness, and what
# tests/t/sample-record needs to make a record in $state: two processes for it to be about.

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

sample=$BUILDDIR/tests/t/sample-record
state=$PWD/state
chmod 755 .
plain() { tr -s ' ' | sed 's/^ //'; }
sleep 600 &
first=$!
sleep 600 &
second=$!
trap 'kill $first $second' EXIT
unset SLURM_JOB_ID
