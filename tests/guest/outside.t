#!/bin/bash
# SPDX-License-Identifier: MIT
# gpumem evict and migrate reach processes without an agent where a device is a NUMA node. The record is
# made by hand: no Slurm.
. "${SRCDIR:?}/tests/guest/lib.sh"

node=${GPUMEM_VM_FIRST_GPU_NODE:-0}
[ "${GPUMEM_VM_GPU_NODES:-0}" -ge 1 ] || { echo "1..0 # SKIP no nodes of devices (tests/vm/run -g 2)"; exit 0; }
command -v gpumem >/dev/null || PATH=$BUILDDIR/tools:$PATH

echo 0 >/proc/sys/kernel/numa_balancing
state=/run/outside cgroup=/sys/fs/cgroup/gpumem-outside
mkdir -p $state $cgroup/step_0/user/task_0
"$BUILDDIR/tests/t/sample-record" numa $state "$node" $cgroup || exit 1

hold() { # MIB [pin]: sets pid
	rm -f /tmp/hold.out
	bash -c 'echo $$ >'$cgroup'/step_0/user/task_0/cgroup.procs; exec numa_move hold "$@"' - "$@" >/tmp/hold.out &
	pid=$!
	poll 60 grep -q ready /tmp/hold.out
}
# Bytes on the node of private anonymous memory, from numa_maps.
there() {
	awk -v n="N$node=" '/anon=/ && !/file=/ && !/stack/ { for (i = 2; i <= NF; i++) if (index($i, n) == 1) s += substr($i, length(n) + 1) }
		END { print s * 4096 }' "/proc/$1/numa_maps"
}
status() { gpumem status --state-dir $state -d -b -n -o "$1" | tr -d ' '; }

hold 32
is "nothing is there" 0 "$(there $pid)"
gpumem migrate --state-dir $state --workers 2
is "migrate: exit status" 0 $?
check "migrate: its memory is on the device" '$v1 >= 32*MB && $v1 < 34*MB' "$(there $pid)"
is "status --devices: OUTSIDE" "$(there $pid)" "$(status OUTSIDE)"
gpumem evict --state-dir $state
is "evict: exit status" 0 $?
is "evict: the device is empty" 0 "$(there $pid)"
is "status: OUTSIDE" 0 "$(status OUTSIDE)"
out=$(gpumem migrate --state-dir $state -p $pid 2>&1)
is "one process: exit status" 0 $?
check "one process: is there" '$v1 >= 32*MB' "$(there $pid)"
out=$(gpumem evict --state-dir $state -p $pid 2>&1)
is "one process: and away" 0 "$(there $pid)"
out=$(gpumem evict --state-dir $state -p 1 2>&1)
is "a process of no job: exit status" 1 $?
has "a process of no job: said" "process 1 is in no job's record" "$out"

# The limit of the record is 64 MiB.
first=$pid
hold 64
gpumem migrate --state-dir $state
is "two processes: exit status" 0 $?
sum=$(($(there $first) + $(there $pid)))
check "two processes: at most the limit" '$v1 <= 64*MB && $v1 > 58*MB' $sum
kill -0 $first && kill -0 $pid
is "their data is right" 0 $?
gpumem evict --state-dir $state
is "evict both: exit status" 0 $?
kill $first $pid
wait $first $pid 2>/dev/null

hold 32 pin
gpumem migrate --state-dir $state 2>/tmp/err
is "pinned pages: migrate does not fail" 0 $?
has "pinned pages: said" "job 7, 0000:c0:00.0: 8K of processes without an agent stayed: pinned" "$(cat /tmp/err)"
check "pinned pages: the others are there" '$v1 >= 32*MB - 8192' "$(there $pid)"
kill $pid
wait $pid 2>/dev/null

# Another user's processes are not the job's, whatever cgroup they are in; another user may not ask.
out=$(runuser -u gpumemtest -- env PATH="$PATH" gpumem evict --state-dir $state 2>&1)
check "another user: fails" '$v1 != 0' $?
finish
