#!/bin/bash
# SPDX-License-Identifier: MIT
# A statically linked program, which no agent is in: on devices that are NUMA nodes it obeys prefer and bind, and
# gpumem reaches it from outside. On kind svm only a process itself could move its memory: it is left alone.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
conf="--conf /tmp/gpumem.conf"
d0=$(device_pci 0)
start() { # COMMAND…
	poll 30 idle
	rm -f "$JOBS"/w.* "$JOBS/stop"
	user "$@" >"$JOBS/out" 2>&1 &
	job=$!
	poll 60 sh -c "ls $JOBS/w.* >/dev/null 2>&1" || not_ok "the job starts" "$(cat "$JOBS/out")"
	sleep 1
	pid=$(fillers | head -n 1)
}
ends() { # TITLE
	touch "$JOBS/stop"
	wait $job
	is "$1: the job ends well" 0 $?
	is "$1: the pattern is intact" 0 "$(said "$pid" errors)"
}
kernel() { gpumem status $conf -d -b -n -o DEVICE,KERNEL | awk -v d="$d0" '$1 == d { print $2 }'; }
program="filler_static -m 48 -t 240 -s $JOBS/stop -o $JOBS/w"
is "the program is static" "" "$(ldd "$(command -v filler_static)" 2>/dev/null | grep '=>')"

if [ $KIND != numa ]; then
	start srun -w n1 -n1 --gpus=1 --mem=600 --gpu-mem-policy=prefer $program
	is "kind svm: it runs, all in system memory" "0 $((48 * MB))" "$(said "$pid" device) $(said "$pid" host)"
	ends "kind svm"
	cluster_down
	finish
fi

for policy in prefer bind; do
	start srun -w n1 -n1 --gpus=1 --mem=600 --gpu-mem-policy=$policy $program
	check "$policy: all of it is on the device" '$v1 >= 48*MB && $v2 == 0' "$(said "$pid" device)" "$(said "$pid" host)"
	check "$policy: so says the kernel" '$v1 >= 48*MB' "$(sim 0)"
	check "$policy: gpumem status shows it beside the agents' memory" '$v1 >= 48*MB' \
		"$(gpumem status $conf -d -b -n -o DEVICE,OUTSIDE | awk -v d="$d0" '$1 == d { print $2 }')"
	check "$policy: and what the kernel counts of the job there, its own program's file too" '$v1 >= 48*MB && $v1 <= 56*MB' \
		"$(kernel)"
	user gpumem evict $conf
	is "$policy: evict: done" 0 $?
	anew "$pid"
	check "$policy: evict: the device is empty of it" '$v1 == 0 && $v2 <= MB' "$(said "$pid" device)" "$(sim 0)"
	check "$policy: evict: so says KERNEL" '$v1 < 8*MB' "$(kernel)"
	user gpumem migrate $conf --workers 2
	is "$policy: migrate: done" 0 $?
	anew "$pid"
	check "$policy: migrate: it is back" '$v1 >= 48*MB' "$(said "$pid" device)"
	ends $policy
done

# By way of a shell whose agent begins in system memory, as its limit is smaller than the device.
for how in "bash -c \"$program; true\"" "env $program" "sh -c '$program & wait'"; do
	start srun -w n1 -n1 --gpus=1 --mem=600 --gpu-mem-policy=prefer,limit=128M bash -c "$how"
	check "started by ${how%% *}: it obeys prefer too" '$v1 >= 48*MB' "$(said "$pid" device)"
	ends "started by ${how%% *}"
done

# What the user says by numactl holds.
start srun -w n1 -n1 --gpus=1 --mem=600 --gpu-mem-policy=prefer numactl --membind=0,1 $program
is "numactl: the user's own policy holds" 0 "$(said "$pid" device)"
ends numactl

# The end of the job leaves nothing, however it ends.
start srun -w n1 -n1 --gpus=1 --mem=600 --gpu-mem-policy=prefer $program
pkill -9 filler_static
wait $job
poll 30 idle && ok "killed: the node is idle" || not_ok "killed: the node is idle" "$(sinfo -N -o '%N %T %E')"
poll 10 at_most 0 $MB && ok "killed: nothing is left" || not_ok "killed: nothing is left" "$(sim 0)"
cluster_down
finish
