#!/bin/bash
# SPDX-License-Identifier: MIT
# Devices that share their node with CPUs (MI300A): memory is kept on the task's own node, a limit bounds what is there,
# and nothing is ever taken off, as there is no other memory.
. "${SRCDIR:?}/tests/guest/lib.sh"

mapfile -t files < <(ls /dev/dri/renderD*)
KIND=svm cluster_up "Device=0000:01:00.0 Kind=numa-shared Node=0 File=${files[0]} NodeName=n1
	Device=0000:02:00.0 Kind=numa-shared Node=1 File=${files[1]} NodeName=n1"
sed -i "s/^NodeName=n1 .*/NodeName=n1 Devices=0000:01:00.0,0000:02:00.0/" /tmp/gpumem.conf
conf="--conf /tmp/gpumem.conf"
# MiB of process $1's own memory on node $2.
on() { awk -v n="N$2=" '/anon=/ && !/file=|stack/ { for (i = 2; i <= NF; i++) if (index($i, n) == 1) s += substr($i, length(n) + 1) }
	END { print int(s / 256) }' "/proc/$1/numa_maps" 2>/dev/null; }
start() { # POLICY COMMAND…
	local policy=$1
	shift
	poll 30 idle
	rm -f "$JOBS"/w.* "$JOBS/stop"
	# Both GPUs, so that the second is there to be given to a task; the tasks' CPUs are all.
	user srun -w n1 -n2 -O --cpu-bind=none --gpus-per-task=1 --mem=1200 "--gpu-mem-policy=$policy" "$@" >"$JOBS/out" 2>&1 &
	job=$!
	poll 60 sh -c "[ \$(ls $JOBS/w.* 2>/dev/null | grep -cv new) -ge 2 ]" || not_ok "both tasks start" "$(cat "$JOBS/out")"
}
ends() {
	touch "$JOBS/stop"
	wait $job
	is "$1: the job ends well" 0 $?
	for pid in $(fillers); do is "$1: the pattern of $pid is intact" 0 "$(said "$pid" errors)"; done
}
program="filler -m 64 -t 240 -s $JOBS/stop -o $JOBS/w"
# The first task's GPU is on node 0, the second's on node 1.
by_task() { for pid in $(fillers); do echo "$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^SLURM_PROCID=//p') $pid"; done | sort -n | cut -d' ' -f2; }

for policy in prefer bind; do
	start $policy taskset 1 $program
	sleep 1
	mapfile -t pid < <(by_task)
	check "$policy: the first task's memory is on its GPU's node" '$v1 >= 63 && $v2 <= 1' "$(on "${pid[0]}" 0)" "$(on "${pid[0]}" 1)"
	check "$policy: the second's is on its own, though it runs beside the first" '$v1 <= 1 && $v2 >= 63' \
		"$(on "${pid[1]}" 0)" "$(on "${pid[1]}" 1)"
	ends $policy
done

# First touch puts all of it beside CPU 0; agents bring home what the limit allows, and no more is there.
start prefer,limit=40M,high=100%,suspend=evict taskset 1 $program
full() { [ "$(on "${pid[1]}" 1)" -ge 38 ] && [ "$(on "${pid[0]}" 0)" -le 40 ]; }
mapfile -t pid < <(by_task)
poll 20 full && ok "limit=40M: what is on the wrong node comes home" || not_ok "limit=40M: what is on the wrong node comes home" \
	"$(on "${pid[0]}" 0) $(on "${pid[0]}" 1) $(on "${pid[1]}" 0) $(on "${pid[1]}" 1)"
check "limit=40M: and bounds what is on the task's own node" '$v1 <= 40 && $v2 <= 40' "$(on "${pid[0]}" 0)" "$(on "${pid[1]}" 1)"
id=$(squeue -h -o %A)
# What is above the limit by less than a chunk may be seen late, and a chunk leaves then.
same() {
	before=$(on "${pid[1]}" 1)
	sleep 3
	[ "$before" = "$(on "${pid[1]}" 1)" ]
}
poll 20 same
scontrol suspend "$id"
sleep 4
# The last chunk may still have come.
check "suspend: nothing leaves" '$v2 >= $v1 && $v2 <= 40' "$before" "$(on "${pid[1]}" 1)"
scontrol resume "$id"
ends "limit=40M"
poll 30 idle && ok "the nodes are idle" || not_ok "the nodes are idle" "$(sinfo -N -o '%N %T %E')"

cluster_down
finish
