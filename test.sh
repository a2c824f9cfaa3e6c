#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds gpumem and runs its tests, on a fresh Debian 12 machine too.
# shellcheck disable=SC2317  # functions that are called by a name in a variable
set -u
shopt -s lastpipe nullglob

usage() {
	cat <<'USAGE'

Usage:
 ./test.sh [options]               everything
 ./test.sh quick                   no guest: build, make check, Slurm on this machine
 ./test.sh guest [options] NAME…   tests/guest/NAME.t in one guest (NAME:ARGUMENT gives it one; NAME@KIND,
                                   NAME@KIND:ARGUMENT)
 ./test.sh kfdsim [options]        the tests of the simulated devices

Options:
     --kernel <6.1|6.12|7.3>   kernel of the guest (default: 6.12); 7.3 is built first: ten minutes
     --abi <6.1|6.12|7.3>      driver behaviour of its devices (default: the kernel's)
     --kind <svm|numa>         kind of the devices that tests use (default: svm)
     --no-install              do not install packages
 -h, --help                    display this help

Builds in build/ and build-asan/, keeps logs in build/logs/. The last line is "N passed, N failed".
USAGE
}

# The guests of a whole run: kernel, driver behaviour, kind of devices, tests; kfdsim for those of the devices themselves.
# Each stream's run one after the other, beside those of the other streams; tests that watch the clock are alone. Not in
# here, to keep to the time there is, and run by name: on numa account, library, leftover, memcg and share; with 6.1 limit on numa and
# teardown; with 6.12 limit on svm with abi 6.1 and 7.3; on a kernel with the dmem controller, 7.3, anything: wall is for
# it alone.
# Tests whose gpumem.conf is the same stand together: a cluster goes on from one to the next. NAME@KIND is a test on
# devices of another kind than the row's.
guests() {
	cat <<-T
	first  6.12 6.12 svm  teardown share static nothing leftover outside shared
	second 6.1  6.1  svm  limit:short forked storm
	second 6.12 7.3  svm  storm
	second 6.12 6.12 numa limit:short static teardown:short bind interleave storm
	third  6.12 6.12 kfdsim
	third  6.1  6.1  kfdsim
	third  6.12 6.12 svm  account bind library limit memcg rocr kinds interleave storm clean numa-move
	alone  6.12 6.12 svm  rates suspend suspend@numa heat heat@numa requests requests@numa
	T
}

usage_error() { echo "test.sh: $*; see --help" >&2; exit 2; }
mode=all kernel=6.12 abi='' kind=svm install=1 names=()
while [ $# -gt 0 ]; do
	case $1 in
	--*=*) option=${1%%=*}; value=${1#*=}; shift; set -- "$option" "$value" "$@" ;;
	esac
	case $1 in
	-h|--help) usage; exit 0 ;;
	--no-install) install='' ;;
	--kernel) kernel=${2:-}; shift ;;
	--abi) abi=${2:-}; shift ;;
	--kind) kind=${2:-}; shift ;;
	-*) usage_error "unknown option $1" ;;
	all|quick|guest|kfdsim) [ "$mode" = all ] || usage_error "one of quick, guest, kfdsim"; mode=$1 ;;
	*) [ "$mode" = guest ] || usage_error "unknown word $1"; names+=("$1") ;;
	esac
	shift || usage_error "a value is missing"
done
case $kernel in 6.1|6.12|7.3) ;; *) usage_error "--kernel 6.1, 6.12 or 7.3" ;; esac
case $abi in ''|6.1|6.12|7.3) ;; *) usage_error "--abi 6.1, 6.12 or 7.3" ;; esac
case $kind in svm|numa) ;; *) usage_error "--kind svm or numa" ;; esac
[ "$mode" != guest ] || [ ${#names[@]} != 0 ] || usage_error "which tests?"

cd "$(dirname "$0")" || exit 1
top=$PWD build=$PWD/build asan=$PWD/build-asan logs=$PWD/build/logs
exec </dev/null
unset SLURM_CONF MAKEFLAGS "${!GPUMEM_@}" 2>/dev/null
export LC_ALL=C.UTF-8 SRCDIR=$top BUILDDIR=$build PREFIX=$build/inst
jobs=$(nproc)
SECONDS=0

# ---- results
total_passed=0 total_failed=0 summary=() streams=()
say() { printf 'test.sh: %4d s  %s\n' $SECONDS "$*"; }
# NAME PASSED FAILED SKIPPED SECONDS
result() {
	total_passed=$((total_passed + $2)) total_failed=$((total_failed + $3))
	summary+=("$(printf '%-34s %5d passed %4d failed %4d skipped %5d s' "$@")")
	printf '    %s\n' "${summary[-1]}"
}
finish() {
	echo
	printf '%s\n' "${summary[@]}"
	echo
	echo "$total_passed passed, $total_failed failed"
	[ $total_failed = 0 ]
	exit
}
# A step that everything else needs.
must() { # WHAT LOG COMMAND…
	local what=$1 log=$logs/$2 start=$SECONDS
	shift 2
	say "$what"
	"$@" >"$log" 2>&1 && return
	tail -n 40 "$log"
	echo "(all of it is in $log)"
	result "$what" 0 1 0 $((SECONDS - start))
	finish
}

# TAP from stdin, in sections headed by "# ==== NAME". Shows what failed; counts a plan that was
# not completed, a bad exit status without a failure, and "Bail out!".
tap() { # PART [EXPECTED SECTIONS]
	local part=$1 expected=${2:-0} section='' line ran plan passed failed skipped start sections=0 showing
	tap_begin() {
		section=$1 ran=0 plan='' passed=0 failed=0 skipped=0 start=$SECONDS showing=''
		sections=$((sections + 1))
	}
	tap_fail() { failed=$((failed + 1)); echo "    FAIL $part $section: $1"; }
	tap_end() {
		[ -n "$section" ] || return
		if [ -z "$plan" ]; then
			tap_fail "it did not come to its end ($ran tests ran)"
		elif [ "$plan" != "$ran" ]; then
			tap_fail "planned $plan tests, ran $ran"
		fi
		result "$part $section" "$passed" "$failed" "$skipped" $((SECONDS - start))
		section=''
	}
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s\n' "$line" >&9
		case $line in
		'# ==== '*) tap_end; line=${line#\# ==== }; tap_begin "${line##*/}" ;;
		'ok '*[0-9]*'# SKIP'*) ran=$((ran + 1)) skipped=$((skipped + 1)) showing='' ;;
		'ok '*) ran=$((ran + 1)) passed=$((passed + 1)) showing='' ;;
		'not ok - '*) tap_fail "${line#not ok - }"; showing=1 ;;
		'not ok '*) ran=$((ran + 1)); tap_fail "${line#not ok }"; showing=1 ;;
		'Bail out!'*) tap_fail "$line" ;;
		1..[0-9]*'# SKIP'*) plan=0 ran=0 skipped=$((skipped + 1)) ;;
		1..[0-9]*) plan=${line#1..}; plan=${plan%% *} ;;
		'# '*': exit status 77') ;;
		'# '*': exit status '*) [ "$failed" != 0 ] || tap_fail "${line#\# }" ;;
		'#'*) [ -z "$showing" ] || echo "         $line" ;;
		*) showing='' ;;
		esac
	done 9>>"$logs/${part// /-}.tap"
	tap_end
	while [ $sections -lt "$expected" ]; do
		sections=$((sections + 1))
		result "$part: a test that never began" 0 1 0 0
	done
}

# ---- parts
check() { # NAME FOLDER [LOG]: make check, or what its log already says
	local name=$1 dir=$2 log=$3 start=$4 passed failed skipped
	number() { sed -n "s/^# $1: *//p" "$log" | tail -n 1; }
	passed=$(($(number PASS) + $(number XFAIL) + 0))
	failed=$(($(number FAIL) + $(number XPASS) + $(number ERROR) + 0))
	skipped=$(($(number SKIP) + 0))
	if [ $failed = 0 ] && { [ "$5" != 0 ] || [ $passed = 0 ]; }; then
		failed=1
		grep -E ' error: |\*\*\*|^timeout' "$log" | head -n 20
		tail -n 20 "$log"
	fi
	if [ $failed != 0 ]; then
		grep -E '^(FAIL|ERROR|XPASS):' "$log" | sed 's/^/    /'
		[ ! -s "$dir/test-suite.log" ] || grep -vE '^(ok|PASS) ' "$dir/test-suite.log" | head -n 150
	fi
	result "$name" $passed $failed $skipped $((SECONDS - start))
}
make_check() { timeout 900 make -C "$1" -s -j"$jobs" check; }
asan_check() { tests/build sanitized && make_check "$asan"; }

# What needs no guest takes the time that guests leave.
in_the_gaps() {
	renice -n 10 $BASHPID >/dev/null
	asan_check >"$logs/asan.log" 2>&1
	echo $? >"$logs/asan.status"
	timeout 900 make -C "$build" -s distcheck >"$logs/distcheck.log" 2>&1
	echo $? >"$logs/distcheck.status"
}

# What it came to.
gather() {
	check "make check, sanitizers" "$asan" "$logs/asan.log" "$start" "$(cat "$logs/asan.status")"
	[ "$(cat "$logs/distcheck.status")" = 0 ] || tail -n 30 "$logs/distcheck.log"
	result "make distcheck" $(($(cat "$logs/distcheck.status") == 0)) \
		$(($(cat "$logs/distcheck.status") != 0)) 0 $((SECONDS - start))
}

native() {
	local files=(tests/slurm/*.t) start=$SECONDS
	[ ${#files[@]} != 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		say "tests of Slurm on this machine need root: left out"
		return 0
	fi
	if ! reachable && ! unshare --mount --propagation private true 2>/dev/null; then
		say "tests of Slurm on this machine need a folder that other users may enter: left out"
		return 0
	fi
	say "Slurm on this machine"
	rm -f "$logs/slurm.tap"
	passable tests/guest/each 120 "${files[@]/#/$top/}" 2>&1 | tap slurm ${#files[@]}
}
reachable() { runuser -u nobody -- test -r "$PREFIX/lib/slurm/spank_gpumem.so"; }
# Runs a command so that other users reach this checkout, which may be in root's home: in a mount
# namespace, the first closed folder on the way is another one with nothing else in it.
passable() {
	local closed=$top
	if ! reachable; then
		while ! runuser -u nobody -- test -x "${closed%/*}/"; do closed=${closed%/*}; done
		# shellcheck disable=SC2016  # the inner shell's variables
		unshare --mount --propagation private bash -c 'set -e
			closed=$1 top=$2 aside=$(mktemp -d)
			shift 2
			mount --bind "$top" "$aside"
			mount -t tmpfs -o mode=755 tmpfs "$closed"
			mkdir -p "$top"
			mount --bind "$aside" "$top"
			umount "$aside"
			rmdir "$aside"
			cd "$top"
			exec "$@"' passable "$closed" "$top" "$@"
	else
		"$@"
	fi
}

guest_status() { # STATUS PART FAILED-BEFORE: what tests/vm/run says about the guest itself
	[ "$1" != 0 ] || return
	case $1 in
	70) result "$2: the kernel complained" 0 1 0 0 ;;
	71) result "$2: no guest" 0 1 0 0 ;;
	124) result "$2: the guest took too long" 0 1 0 0 ;;
	# The tests have said which of them failed.
	1) [ "$total_failed" != "$3" ] || result "$2: exit status 1" 0 1 0 0 ;;
	*) result "$2: exit status $1" 0 1 0 0 ;;
	esac
	# With what the kernel said: it comes last.
	[ "$1" = 1 ] || sed -n '/^tests\/vm\/run: /,$p' "$logs/${2// /-}.tap" | head -n 70
}
boot() { # PART KERNEL ABI TIMEOUT COMMAND…: prints what the guest does
	local part=$1 k=$2 a=$3 limit=$4
	shift 4
	tests/vm/run --quiet --kernel "$k" --abi "$a" --module "$build/kfdsim-$k/kfdsim.ko" \
		--device-size 512M --gpu-nodes 4 --timeout "$limit" --dmesg "$logs/${part// /-}.dmesg" --setenv "SRCDIR=$SRCDIR" \
		--setenv "BUILDDIR=$BUILDDIR" --setenv "PREFIX=$PREFIX" --cwd / -- "$@" 2>&1
}
in_guest() { # PART SECTIONS KERNEL ABI TIMEOUT COMMAND…
	local part=$1 sections=$2 status before=$total_failed
	shift 2
	rm -f "$logs/${part// /-}.tap"
	boot "$part" "$@" | tap "$part" "$sections"
	status=${PIPESTATUS[0]}
	guest_status "$status" "$part" "$before"
}
# The same into a file, and out of it again.
into_file() {
	local part=$1
	shift 2
	boot "$part" "$@" >"$logs/$row_name.out"
	echo $? >"$logs/$row_name.status"
}
from_file() {
	local part=$1 before=$total_failed
	rm -f "$logs/${part// /-}.tap"
	tap "$part" "$2" <"$logs/$row_name.out"
	guest_status "$(cat "$logs/$row_name.status")" "$part" "$before"
}
# The rows of one stream.
stream() { # HOW STREAM
	local words row_name row n=0
	for row in "${rows[@]}"; do
		read -ra words <<<"$row"
		[ "${words[0]}" = "$2" ] || continue
		n=$((n + 1)) row_name=$2.$n
		if [ "${words[3]}" = kfdsim ]; then
			kfdsim_check "$1" "${words[@]:1:2}"
		else
			guest "$1" "${words[@]:1}"
		fi
	done
}
guest() { # HOW KERNEL ABI KIND NAME…; HOW: in_guest, into_file or from_file
	local how=$1 k=$2 a=$3 kind=$4 name argument files=()
	shift 4
	for name; do
		argument=${name#"${name%%[@:]*}"}
		name=${name%%[@:]*}
		if [ -e "tests/guest/$name.t" ]; then
			files+=("$top/tests/guest/$name.t$argument")
		else
			result "tests/guest/$name.t is missing" 0 1 0 0
		fi
	done
	[ ${#files[@]} != 0 ] || return
	[ "$how" = from_file ] ||
		say "guest with kernel $k, driver behaviour $a, devices of kind $kind: ${#files[@]} tests"
	$how "guest $k abi=$a $kind" ${#files[@]} "$k" "$a" $((300 + 300 * ${#files[@]})) \
		env GPUMEM_TEST_KIND="$kind" "$top/tests/guest/each" 600 "${files[@]}"
}
kfdsim_check() { # HOW KERNEL ABI
	[ "$1" = from_file ] || say "simulated devices on kernel $2, driver behaviour $3"
	"$1" "kfdsim $2 abi=$3" 5 "$2" "$3" 900 "$top/tests/kfdsim/check" "$build/kfdsim-$2" 15
}
both_modules() { tests/build kfdsim 6.12 && tests/build kfdsim 6.1; }

# ---- the run
if [ -n "$install" ]; then
	tests/packages install || exit 1
fi
if [ "$mode" != quick ] && [ "$(id -u)" != 0 ]; then
	echo "test.sh: guests share this machine's files and need root; ./test.sh quick does not" >&2
	exit 1
fi
mkdir -p "$logs"
must "build" build.log tests/build main
if [ "$mode" = all ]; then
	both_modules >"$logs/modules.log" 2>&1 &
	modules=$!
fi
case $mode in
quick|all)
	say "make check"
	start=$SECONDS
	make_check "$build" >"$logs/check.log" 2>&1
	check "make check" "$build" "$logs/check.log" $start $?
	native
	;;
guest|kfdsim)
	must "kfdsim for kernel $kernel" "kfdsim-$kernel.log" tests/build kfdsim "$kernel"
	;;
esac
case $mode in
guest) guest in_guest "$kernel" "${abi:-$kernel}" "$kind" "${names[@]}" ;;
kfdsim) kfdsim_check in_guest "$kernel" "${abi:-$kernel}" ;;
all)
	wait "$modules" || must "kfdsim for both kernels" kfdsim.log both_modules
	mapfile -t rows < <(guests)
	start=$SECONDS
	for name in first second third; do stream into_file $name & streams+=($!); done
	say "sanitizer build and distcheck"
	in_the_gaps & streams+=($!)
	wait "${streams[@]}"
	for name in first second third; do stream from_file $name; done
	gather
	stream in_guest alone
	;;
esac
finish
