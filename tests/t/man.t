#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='the pages are clean and name every word that the parsers know'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

man=$BUILDDIR/man
policy=$SRCDIR/lib/policy

command -v mandoc >/dev/null && test_set_prereq MANDOC

# The words that head a paragraph of the page: the line after .TP, without its macro.
headings() {
	sed -n '/^\.TP/{n;s/^\.[BI]*R* *//;p;}' "$1"
}

for page in "$SRCDIR"/man/*.in; do
	page=${page##*/}
	page=${page%.in}
	test_expect_success "$page: every @WORD@ is filled in" '
		! grep -n "@[A-Za-z]*@" "$man/$page"
	'
	test_expect_success MANDOC "$page: mandoc has no warning" '
		mandoc -Tlint -W warning "$man/$page" >lint &&
		test_must_be_empty lint
	'
done

test_expect_success 'gpumem.conf(5) explains every key' '
	sed -n "s/^.{ *\"\([A-Z][A-Za-z]*\)\", GM_RULE_.*/\1/p" "$policy/conf_keys.c" >keys &&
	test "$(wc -l <keys)" -eq 12 &&
	sed -n "s/^.{ *\"\([A-Z][A-Za-z]*\)\", GM_SCOPE_.*/\1/p" "$policy/conf.c" >scopes &&
	test "$(wc -l <scopes)" -eq 3 &&
	headings "$man/gpumem.conf.5" >headings &&
	for key in $(cat keys scopes) NodeName Device; do
		grep "^$key=" headings || { echo "no paragraph on $key"; return 1; }
	done &&
	grep "Devices=" headings
'

test_expect_success 'spank_gpumem(8) explains every placement and option' '
	sed -n "s/^.{ *\"\([a-z]*\)\", GPUMEM_PLACE_.*/\1/p" "$policy/words.c" >placements &&
	test "$(wc -l <placements)" -eq 6 &&
	sed -n "s/^.{ *\"\([a-z]*\)\", GM_VALUE_.*/\1/p" "$policy/options.c" >options &&
	test "$(wc -l <options)" -eq 10 &&
	headings "$man/spank_gpumem.8" >headings &&
	for word in $(cat placements options); do
		grep "^$word\([= ]\|\$\)" headings || { echo "no paragraph on $word"; return 1; }
	done
'

test_expect_success 'spank_gpumem(8) names every value of an option' '
	sed -n "s/^.{ *\"\([a-z]*\)\", GPUMEM_.*/\1/p" "$policy/options.c" "$policy/words.c" |
		grep -v "^off\|^host\|^prefer\|^bind\|^interleave\|^advise" >values &&
	test "$(wc -l <values)" -eq 10 &&
	for word in $(cat values); do
		grep "^\.B.*\b$word\b" "$man/spank_gpumem.8" || return 1
	done
'

test_expect_success 'spank_gpumem(8) names every key that plugstack.conf can set' '
	for key in $(cat keys); do
		grep "^\.B.*\b$key\b\|^\.B $key" "$man/spank_gpumem.8" || return 1
	done
'

test_done
