# SPDX-License-Identifier: MIT
# What the guest's tests share: a Slurm cluster with the installed plugin, TAP, and witnesses of
# where pages are. Sourced by *.t, which run as root in the guest; PREFIX is the installation and
# BUILDDIR has the test programs.
set -u
: "${PREFIX:?}" "${BUILDDIR:?}" "${SRCDIR:?}"
export PATH=$PREFIX/bin:$BUILDDIR/tests/guest:$PATH
export RIG=/tmp/gpumem-slurm
STATE=/run/gpumem
MB=$((1024 * 1024))
JOBS=$RIG/jobs
# Kind of the devices under test: svm, those of kfdsim, or numa, nodes of the guest without CPUs.
KIND=${GPUMEM_TEST_KIND:-svm}
GPU_NODE=${GPUMEM_VM_FIRST_GPU_NODE:-0}
tap_count=0 tap_failed=0

# A checkout in root's home: in the guest, whose files are a copy, the jobs' user may pass.
if [ -n "${GPUMEM_GUEST:-}" ]; then
	for dir in "$SRCDIR" "$BUILDDIR" "$PREFIX"; do
		while [ ${#dir} -gt 1 ]; do chmod o+rx "$dir"; dir=${dir%/*}; done
	done
fi

ok() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1"; }
not_ok() { # description, what was expected and seen
	tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	shift
	printf '%s\n' "$@" | sed 's/^/# /'
}
# check DESCRIPTION EXPECTED-EXPRESSION VALUE…: the expression is bash arithmetic over $v1, $v2 …
check() {
	local description=$1 expression=$2 i=0 value
	shift 2
	for value; do i=$((i + 1)); local "v$i=${value:--1}"; done
	if (($(eval "echo \"$expression\""))); then
		ok "$description"
	else
		not_ok "$description" "expected: $expression" "seen: $*"
	fi
}
is() { # description, expected, seen
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected: $2" "seen: $3"; fi
}
# What the kernel counts on a node beside memory that moves: a process's stack and libraries, and what each CPU has not
# added to the node's figures yet.
SLACK=0
[ $KIND = numa ] && SLACK=$MB
# agrees DESCRIPTION KERNELS OTHERS: what two commands print is the same, with the kernel's count the same before and
# after the other looked. A chunk that an agent comes to in between is no disagreement, but one that stays is.
agrees() {
	local before other after
	if poll 15 agree "$2" "$3"; then ok "$1"; else
		not_ok "$1" "expected: equal, or the first up to $SLACK bytes more" "seen: $before, by the other: $other, then: $after" \
			"$(gpumem explain --conf /tmp/gpumem.conf 2>&1 | tail -n 8)"
	fi
}
agree() {
	before=$($1) other=$($2) after=$($1)
	other=${other:--1}
	[ $((before - other)) -ge 0 ] && [ $((before - other)) -le $SLACK ] &&
		[ $((after - other)) -ge 0 ] && [ $((after - other)) -le $SLACK ]
}
has() { # description, pattern (grep -E), text
	if grep -qE -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1" "expected a match of: $2" "seen: $3"; fi
}
finish() { echo "1..$tap_count"; [ $tap_failed = 0 ]; exit $?; }

# poll SECONDS COMMAND…: until it succeeds, with most of the time left to what is waited for. The seconds are those of a
# machine with nothing else to do: a busy one has three times as many, as they are there to end a wait in vain, not to
# measure.
poll() {
	local end=$((SECONDS + 3 * $1)) began nap
	shift
	began=${EPOCHREALTIME/./}
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "# waited in vain for: $*"; return 1; }
		nap=$((2 * (${EPOCHREALTIME/./} - began)))
		nap=$((nap < 100000 ? 100000 : nap > 500000 ? 500000 : nap))
		sleep 0.$nap
		began=${EPOCHREALTIME/./}
	done
}

# The guest's nodes of memory alone as devices, in the place of the render nodes that Slurm knows.
given() {
	[ $KIND = numa ] || return 0
	local i=0 file
	for file in /dev/dri/renderD*; do
		echo "Device=$(device_pci $i) Kind=numa Node=$((GPU_NODE + i)) File=$file"
		i=$((i + 1))
	done
}
# A cluster; $1: more lines for gpumem.conf. That of the test before goes on, if it was the same and is at rest:
# starting one takes longer than many a test.
cluster_up() {
	mkdir -p $STATE
	cat >/tmp/gpumem.conf <<-C
	StateDir=$STATE/%n
	$(given)
	NodeName=n1 Devices=$(device_pci 0),$(device_pci 1)
	NodeName=n2 Devices=$(device_pci 2),$(device_pci 3)
	${1:-}
	C
	if cmp -s /tmp/gpumem.conf "$RIG/started-with"; then
		export SLURM_CONF=$RIG/etc/slurm.conf
		poll 5 idle && rm -rf "${JOBS:?}"/* && return
	fi
	local out
	out=$("$SRCDIR/tests/vm/slurm-up" --plugin "$PREFIX/lib/slurm/spank_gpumem.so" \
		--plugin-args config=/tmp/gpumem.conf 2>&1) || { echo "Bail out! no cluster: $out"; exit 1; }
	eval "$(grep '^export' <<<"$out")"
	cp /tmp/gpumem.conf "$RIG/started-with"
	chmod 777 "$JOBS"
	rm -rf "${JOBS:?}"/* # of an earlier test in this guest
}
# With KEEP_CLUSTER one at rest stays for the test that follows; tests/guest/each ends the last one.
cluster_down() {
	[ -n "${KEEP_CLUSTER:-}" ] && [ -e "$RIG/started-with" ] && poll 10 idle ||
		"$SRCDIR/tests/vm/slurm-down"
}

# As the user who runs jobs, in the folder for their output.
user() { runuser -u gpumemtest -- env -C "$JOBS" PATH="$PATH" "$@"; }

# As that user: submits by sbatch as job $batch_id, and ends as the job did. sbatch --wait looks more seldom the
# longer it waits.
batch() {
	local code
	batch_id=$(user sbatch --parsable "$@") || return
	poll 120 sh -c "squeue -h -j $batch_id -t all -o %t | grep -vqE '^(PD|CF|R|CG|S)$'"
	code=$(scontrol -o show job "$batch_id" | sed -n 's/.* ExitCode=\([0-9]*\):\([0-9]*\) .*/\1 + \2/p')
	return $((code))
}

device_pci() {
	if [ $KIND = numa ]; then echo "0000:0$(($1 + 1)):00.0"; return; fi
	gpumem list --no-hwloc -n -o DEVICE | sed -n "$(($1 + 1))p"
}
# Every job ended and every node idle, not drained.
idle() { [ -z "$(squeue -h)" ] && [ "$(sinfo -h -N -o %T | sort -u)" = idle ]; }
no_state() { ! ls -d $STATE/*/job-* >/dev/null 2>&1; }

# What moved so far, in bytes, there and back, on device $1 or on all.
moved() {
	if [ $KIND = numa ]; then
		# Without what NUMA balancing moved between the other nodes.
		awk '$1 == "pgmigrate_success" { s += $2 } $1 == "numa_pages_migrated" { s -= $2 } END { printf "%.0f\n", s * 4096 }' /proc/vmstat
	else
		# shellcheck disable=SC2086  # a pattern
		cat /sys/class/kfdsim/dev${1:-*}/migrated_* | awk '{ s += $1 } END { printf "%.0f\n", s * 4096 }'
	fi
}
# Nothing moved for as long as an agent may sleep, so that four witnesses one after the other see the same.
still() {
	local before
	before=$(moved)
	sleep 2.2
	[ "$before" = "$(moved)" ]
}

# Job $1 exchanges nothing any more, has on the devices what fits (at least $2 bytes of the first, $3 of the second), and
# nothing moves: all witnesses see the same.
at_rest() { # JOB [BYTES [BYTES]]
	gpumem set --conf /tmp/gpumem.conf -j "$1" evict=none >/dev/null
	# An agent of a busy guest may look at it late.
	poll 20 sh -c "! gpumem status --conf /tmp/gpumem.conf -j $1 -n -o ORDER | grep -qvE '^ *(none|-) *$'"
	# The last exchange may have come between its two halves; what is missing comes at a later pass.
	[ -z "${2:-}" ] || poll 30 at_least 0 "$2"
	[ -z "${3:-}" ] || poll 30 at_least 1 "$3"
	poll 20 still
}

# ---- the witnesses; all in bytes
# the kernel's own count of device $1: kfdsim's pages, or the node's anonymous ones
sim() {
	if [ $KIND = numa ]; then
		cat /proc/sys/vm/stat_refresh 2>/dev/null
		awk '$3 == "AnonPages:" { print $4 * 1024 }' "/sys/devices/system/node/node$((GPU_NODE + $1))/meminfo"
	else
		echo $(($(cat "/sys/class/kfdsim/dev$1/used_pages") * 4096))
	fi
}
at_least() { [ "$(sim "$1")" -ge "$2" ]; } # DEVICE BYTES
at_most() { [ "$(sim "$1")" -le "$2" ]; }
# the most there was since sim_peak_reset; a node has no such counter, so it is looked at five times a second
sim_peak() { if [ $KIND = numa ]; then cat "/tmp/peak.$1"; else echo $(($(cat "/sys/class/kfdsim/dev$1/peak_pages") * 4096)); fi; }
sim_peak_reset() {
	if [ $KIND != numa ]; then echo "reset-peak dev=$1" >/dev/kfdsim-control; return; fi
	pkill -f gpumem-peak-of 2>/dev/null
	local meminfo=/sys/devices/system/node/node$((GPU_NODE + $1))/meminfo
	# shellcheck disable=SC2016  # the inner shell's variables
	bash -c 'most=0
		while sleep 0.2; do
			now=$(awk "\$3 == \"AnonPages:\" { print \$4 * 1024 }" "$1")
			[ "$now" -le $most ] || most=$now
			echo $most >"$2"
		done' gpumem-peak-of "$meminfo" "/tmp/peak.$1" </dev/null >/dev/null 2>&1 &
	disown
}
# what gpumem says the job $1 has on the device with PCI address $2
told() { gpumem status --conf /tmp/gpumem.conf -j "$1" -d -b -n -o DEVICE,RESIDENT | awk -v d="$2" '$1 == d { print $2; exit }'; }
# what process $1 has on devices between two addresses: by numa_maps on their nodes; of kind svm smaps counts
# device pages and numa_maps does not
maps_minus_numa() { # PID START END, hexadecimal as filler reports them
	local rss=0 nodes least=0 awk_pad='function pad(x) { return substr("0000000000000000" x, length(x) + 1) }'
	if [ $KIND = numa ]; then
		least=$GPU_NODE
	else
		rss=$(awk -v from="$2" -v to="$3" "$awk_pad"'
			/^[0-9a-f]+-[0-9a-f]+ / { split($1, a, "-"); in_it = pad(a[1]) >= pad(from) && pad(a[2]) <= pad(to) }
			/^Rss:/ && in_it { s += $2 } END { print s * 1024 }' "/proc/$1/smaps")
	fi
	nodes=$(awk -v from="$2" -v to="$3" -v least="$least" "$awk_pad"'
		pad($1) >= pad(from) && pad($1) < pad(to) {
			for (i = 2; i <= NF; i++) if ($i ~ /^N[0-9]+=/) {
				split(substr($i, 2), n, "=")
				if (n[1] >= least) s += n[2]
			}
		} END { print s * 4096 }' "/proc/$1/numa_maps")
	if [ $KIND = numa ]; then echo "$nodes"; else echo $((rss - nodes)); fi
}
# a field of filler's report of process $1: device, host, errors, rounds …
said() { tr ' ' '\n' <"$JOBS/w.$1" 2>/dev/null | sed -n "s/^$2=//p"; }
# Process $1 has measured where its memory is since this was called.
anew() {
	local before i
	for i in 1 2; do
		before=$(said "$1" rounds)
		poll 10 sh -c "! grep -q ' rounds=$before ' '$JOBS/w.$1'"
	done
}
fillers() { for f in "$JOBS"/w.*; do [ -e "$f" ] && [[ $f != *.new ]] && echo "${f##*.}"; done; }
