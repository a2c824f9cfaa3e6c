#!/bin/bash
# SPDX-License-Identifier: MIT
# What placements become on each kind of device, with real Slurm daemons on this machine: its node 0, which has CPUs,
# is the memory of one GPU (numa-shared), and what gpumem.conf says of the other GPU is not true.
. "${SRCDIR:?}/tests/guest/lib.sh"

RIG=$(mktemp -d /tmp/gpumem-kinds.XXXXXX) STATE=$RIG/gpumem JOBS=$RIG/jobs
export RIG
chmod 755 "$RIG"
trap 'cluster_down >/dev/null 2>&1; rm -rf "$RIG" "$RIG.conf"' EXIT
cluster_up() { # lines of gpumem.conf
	printf 'StateDir=%s/%%n\n%s\n' "$STATE" "${1:-}" >"$RIG.conf"
	local out
	out=$("$SRCDIR/tests/vm/slurm-up" --plugin "$PREFIX/lib/slurm/spank_gpumem.so" \
		--plugin-args "config=$RIG.conf" 2>&1) || { echo "Bail out! no cluster: $out"; exit 1; }
	eval "$(grep '^export' <<<"$out")"
	chmod 777 "$JOBS"
}
if [ ! -s /sys/devices/system/node/has_cpu ] || ! grep -q '^0' /sys/devices/system/node/has_cpu; then
	echo "1..0 # SKIP node 0 has no CPUs"
	exit 0
fi
SHARED=0000:01:00.0 WRONG=0000:02:00.0
cluster_up "Device=$SHARED Kind=numa-shared Node=0
Device=$WRONG Kind=numa Node=0
NodeName=n1 Devices=$SHARED,$WRONG
NodeName=n2 Devices=$WRONG,$SHARED
MemcgCredit=yes"

job() { user srun -Q -w "$1" -n1 --gpus=1 --gpu-mem-policy="$2" "${@:3}" 2>&1; } # NODE POLICY COMMAND…
# The policy of a process as the kernel shows it, its first mapping's: "prefer:0".
FIRST='1s/^[0-9a-f]* \([a-z]*\( (many)\)*[^ ]*\).*/\1/p'
policy_of() { job n1 "$1" "${@:2}" sed -n "$FIRST" /proc/self/numa_maps; } # POLICY [COMMAND BEFORE…]
maps=$(sed -n "$FIRST" /proc/self/numa_maps 2>/dev/null)
static=$(command -v busybox)
[ -n "$static" ] && ! ldd "$static" >/dev/null 2>&1 || static=''

# ---- memory that CPU and GPU share
for policy in prefer bind interleave interleave:3/1 prefer,limit=64M advise host; do
	out=$(job n1 $policy gpumem status --conf "$RIG.conf" -d -n -o DEVICE,LIMIT)
	is "numa-shared: $policy runs" 0 $?
	has "numa-shared: $policy: the device is in the job's record" "^$SHARED " "$out"
	check "numa-shared: $policy: and none else" '$v1 == 1' "$(wc -l <<<"$out")"
done
if [ -n "$maps" ]; then
	has "prefer: what programs begin with" "^prefer:0$" "$(policy_of prefer)"
	has "bind: a program with an agent is not killed" "^prefer( \(many\))?:0$" "$(policy_of bind)"
	is "interleave: pages in turn" interleave:0 "$(policy_of interleave)"
	has "interleave with a ratio: nowhere else to go" "interleave:0$" "$(policy_of interleave:3/1)"
	is "a limit: memory begins where the CPU is" local "$(policy_of prefer,limit=64M)"
	is "advise: none" default "$(policy_of advise)"
	is "host: none" default "$(policy_of host)"
	is "off: none" default "$(policy_of off)"
	! command -v numactl >/dev/null ||
		is "the user's own, set in the task, stays" interleave:0 "$(policy_of prefer,limit=64M numactl -i 0)"
	if [ -n "$static" ]; then
		is "a static program: bind" bind:0 "$(policy_of bind "$static")"
		is "it knows no limit" prefer:0 "$(policy_of prefer,limit=64M "$static")"
		# shellcheck disable=SC2016  # the job's shell has them
		in_shell='"$0" sed -n "$1" /proc/self/numa_maps; :'
		is "a shell executes it: the task's policy again" bind:0 "$(job n1 bind sh -c "$in_shell" "$static" "$FIRST")"
		is "and so with a limit" prefer:0 "$(job n1 prefer,limit=64M sh -c "$in_shell" "$static" "$FIRST")"
	fi
fi
out=$(job n1 bind,reserve=1M true)
is "reserve= that is free: runs" 0 $?
out=$(job n1 bind,reserve=900T true)
is "reserve= that is not: refused" 1 $?
has "with its reason" "^gpumem: n1: $SHARED: reserve=[0-9]+ bytes wanted, [0-9]+ bytes free$" "$out"

# There is no way back to system memory: it is there.
out=$(job n1 host,verbose true)
is "host: one line with verbose" 1 "$(grep -c "^gpumem: n1: $SHARED shares the system's memory: host means nothing there$" <<<"$out")"
out=$(job n1 prefer,suspend=evict,verbose true)
is "suspend=evict: one line with verbose" 1 "$(grep -c "^gpumem: n1: $SHARED shares the system's memory: suspend=evict means nothing there$" <<<"$out")"
is "not a word without" "" "$(job n1 host,suspend=evict true)"
is "and none about what was not asked for" "" "$(job n1 prefer,verbose true | grep shares)"
user srun -Q -w n1 --gpus=1 --gpu-mem-policy=prefer sleep 60 2>/dev/null &
runs() { squeue -h -t R -o %i | grep -q .; }
poll 20 runs
poll 20 sh -c "gpumem status --conf $RIG.conf -n 2>/dev/null | grep -q ."
for what in "evict evict" "evict evict -d $SHARED" "policy=host set policy=host"; do
	# shellcheck disable=SC2086  # words
	out=$(user gpumem ${what#* } --conf "$RIG.conf" 2>&1)
	is "gpumem ${what#* }: refused" 1 $?
	has "in one line" "^gpumem: job [0-9]+: $SHARED shares the system's memory \(numa-shared\): ${what%% *} means nothing there$" "$out"
	is "that is all it says" 1 "$(wc -l <<<"$out")"
done
user gpumem set --conf "$RIG.conf" policy=advise
is "gpumem set policy=advise: done" 0 $?
user gpumem migrate --conf "$RIG.conf"
is "gpumem migrate: done" 0 $?
user scancel "$(squeue -h -o %i)"
wait
poll 20 idle

# ---- a line of gpumem.conf that is not true
why="n2: no allocated GPU has coherent memory: $WRONG: line 3 of gpumem.conf: node 0 has CPUs: not Kind=numa"
out=$(job n2 bind true)
is "a contradicted line: bind is refused" 1 $?
has "with the reason" "^gpumem: $why" "$out"
is "in one line" 1 "$(grep -c ^gpumem: <<<"$out")"
for policy in prefer interleave advise host; do
	is "a contradicted line: $policy runs without a word" "0 " "$(out=$(job n2 $policy true); echo "$? $out")"
done
has "with verbose: the reason" "^gpumem: $why" "$(job n2 prefer,verbose true)"
is "the other GPU of that node is managed" 0 "$(user srun -Q -w n2 -n1 --gpus=2 --gpu-mem-policy=bind true >/dev/null 2>&1; echo $?)"
poll 20 idle && ok "no node is drained" || not_ok "no node is drained" "$(sinfo -N -o '%N %T %E')"
poll 20 sh -c "! ls -d $STATE/*/job-* 2>/dev/null" && ok "no record is left" || not_ok "no record is left" "$(ls -d "$STATE"/*/job-*)"
cluster_down >/dev/null 2>&1

# ---- nothing managed on the whole node
cluster_up "Device=$WRONG Kind=numa Node=0
NodeName=n[1-2] Devices=$WRONG,$SHARED"
out=$(job n1 bind true)
is "nothing is managed: bind is refused" 1 $?
has "with the reason of its GPU" "^gpumem: n1: no coherent GPU memory on this node: $WRONG: line 2 of gpumem.conf: node 0 has CPUs" "$out"
is "prefer runs without a word" "0 " "$(out=$(job n1 prefer true); echo "$? $out")"
poll 20 idle && ok "and no node is drained" || not_ok "and no node is drained" "$(sinfo -N -o '%N %T %E')"
finish
