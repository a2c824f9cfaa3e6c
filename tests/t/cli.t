#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='help, page and completion of gpumem tell the same'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

page=$BUILDDIR/man/gpumem.1
completion=$SRCDIR/etc/completion/gpumem

commands=$(gpumem --help | sed -n '/^Commands:/,/^Options:/s/^ \([a-z-]*\) .*/\1/p')

# The part of the page below ".SS $1", or of ".SH $1", plain.
part() { sed -n "/^\.S[SH] $1\$/,/^\.S[SH] /p" "$page" | sed 's/\\//g'; }
# The options in the help text of a command, short and long ones.
options() {
	gpumem "$1" --help | sed -n '/^Options:/,/^$/p' | grep '^ \{1,5\}-' |
		sed 's/  *[^ ,-].*//' | grep -o -e '--*[A-Za-z][a-z-]*'
}
columns() {
	gpumem "$1" --help | sed -n '/^Available output columns:/,/^$/s/^ *\([A-Z][A-Z]*\)  .*/\1/p'
}
# What the completion offers for the words.
complete_words() {
	bash -c '
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_gpumem && printf "%s\n" "${COMPREPLY[@]}"' - "$completion" "$@"
}

test_expect_success 'there are commands' '
	test "$(echo "$commands" | wc -l)" -ge 7
'

test_expect_success 'the completion knows every command and no other' '
	{ echo "$commands"; printf "%s\n" -h --help -V --version; } | sort >expected &&
	complete_words gpumem "" | sort >offered &&
	test_cmp expected offered
'

part OPTIONS >common
for command in $commands; do
	test_expect_success "$command: the page has every option" '
		part "$command" >section &&
		test -s section &&
		options "$command" >options &&
		grep -e --help options &&
		for o in $(cat options); do
			grep -q -e "[ \"]$o\b" section common || { echo "no $o"; return 1; }
		done
	'
	test_expect_success "$command: the page has no other option" '
		sed -n "s/^\.B[RI]* \(.*\)/\1/p" section | grep "^-" |
			grep -o -e "--[a-z-]*" | sort -u >told &&
		for o in $(cat told); do
			grep -q -x -e "$o" options || { echo "$o is not one"; return 1; }
		done
	'
	test_expect_success "$command: the completion has every option and no other" '
		sort options >expected &&
		complete_words gpumem "$command" - | sort >offered &&
		test_cmp expected offered
	'
done

for command in explain list report status; do
	test_expect_success "$command: the page has every column and no other" '
		columns "$command" >expected &&
		test -s expected &&
		part "Of $command" | sed -n "s/^\.B \([A-Z][A-Z]*\)\$/\1/p" >told &&
		test_cmp expected told
	'
	test_expect_success "$command: the completion has every column" '
		complete_words gpumem "$command" --output "" >offered &&
		test_cmp expected offered
	'
done

test_expect_success 'the page has every state and every reason' '
	sed -n "/^const char \*gpumem_fail_name/,/^}/p; /^const char \*gpumem_agent_state_name/,/^}/p" \
		"$SRCDIR/lib/ledger/names.c" | grep -o "\"[a-z-]*\"" | tr -d \" | grep -v unknown >words &&
	test "$(wc -l <words)" -ge 11 &&
	for word in $(cat words) ended; do
		part "Of status" | grep -q "\b$word\b" || { echo "no $word"; return 1; }
	done
'

test_expect_success 'the completion goes on after a comma and a plus' '
	complete_words gpumem list -o DEVICE,KI >offered &&
	echo DEVICE,KIND >expected &&
	test_cmp expected offered &&
	complete_words gpumem status -o +RES >offered &&
	echo +RESIDENT >expected &&
	test_cmp expected offered
'

test_expect_success 'the completion of run offers a policy, then commands' '
	complete_words gpumem run pre >offered &&
	echo prefer >expected &&
	test_cmp expected offered &&
	complete_words gpumem run prefer,lim >offered &&
	echo prefer,limit= >expected &&
	test_cmp expected offered &&
	complete_words gpumem run -d 0000:c1:00.0 off tru | grep -x true
'

test_expect_success 'wrong usage has one line and exit status 2' '
	for args in "" "nonsense" "list extra" "list --nonsense" "list -o NOSUCH" \
		"status extra" "evict --wait x" "migrate --wait 3" "set" "set limit=1x" \
		"set colour=red" "set reserve=3G" "set limit=3G limit=4G" "set high=101%" \
		"set --device 0 bw=3G" "set policy=perfer" "set policy=off bw=3M" "run prefer" "record" \
		"top -s name" "explain --last x" "status --job x" \
		"report x" "report --job x" "report -j 1 2" "report -o NOSUCH"; do
		test_expect_code 2 gpumem $args >out 2>err || { echo "$args"; return 1; }
		test_must_be_empty out
	done
'

test_done
