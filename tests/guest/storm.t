#!/bin/bash
# SPDX-License-Identifier: MIT
# Sixteen processes that do all that is allowed, and are killed at random, under a limit that changes.
# "long": two minutes in place of 20 seconds.
. "${SRCDIR:?}/tests/guest/lib.sh"

seconds=20
[ "${1:-}" = long ] && seconds=120
# Emulated, a look takes ten times what it does on a real machine.
cluster_up "CpuBudget=10%"
conf="--conf /tmp/gpumem.conf"
sim_peak_reset 0
rm -f "$JOBS/bad"
owners() { [ $KIND = numa ] || cat /sys/class/kfdsim/dev0/owners; }
baseline=$(owners)
before=$(moved 0)
user srun -w n1 -n1 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=128M bash -c "
	run() { load storm -t \$1 -r \$2; case \$? in 0|137) ;; *) echo \"seed \$2 ended with \$?\" >>$JOBS/bad ;; esac; }
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		( end=\$((SECONDS + $seconds)); n=\$i
		  while [ \$SECONDS -lt \$end ]; do run \$((end - SECONDS)) \$n; n=\$((n + 16)); done ) &
	done
	wait" >"$JOBS/out" 2>&1 &
job=$!
poll 20 pgrep -x load >/dev/null
end=$((SECONDS + seconds - 2)) worst=0 kills=0 over_since='' longest=0
# A child has a place in the record a moment after it was forked. What it shares with a parent that is killed before, or
# that runs another program, is nobody's until its agent has looked (gpumem(7), fork).
watch_limit() { # BYTES
	local now
	now=$(date +%s%3N)
	if [ "$1" -le $((128 * MB + SLACK)) ]; then over_since=''; return; fi
	: "${over_since:=$now}"
	[ $((now - over_since)) -le $longest ] || longest=$((now - over_since))
}
while [ $SECONDS -lt $end ]; do
	id=$(squeue -h -o %A)
	case $((RANDOM % 6)) in
	0) gpumem set $conf -j "$id" limit=$((16 + RANDOM % 96))M ;;
	1) gpumem set $conf -j "$id" limit=128M ;;
	2) gpumem evict $conf -j "$id" && gpumem migrate $conf -j "$id" ;;
	3) gpumem set $conf -j "$id" "evict=$(shuf -n 1 -e duel heat age lrf pin none)" ;;
	*) victim=$(pgrep -x load | shuf -n 1)
	   [ -z "$victim" ] || { kill -9 "$victim" 2>/dev/null && kills=$((kills + 1)); } ;;
	esac >/dev/null 2>&1
	used=$(sim 0)
	[ "$used" -le $worst ] || worst=$used
	watch_limit "$used"
	sleep 0.2
done
wait $job
is "storm: the job ends" 0 $?
sed 's/^/# /' "$JOBS/out"
moves=$(($(moved 0) - before))
echo "# $kills processes were killed, the limit was passed for $longest ms at a time, at most $((worst / MB)) MiB were on the device, $((moves / MB)) MiB moved"
if [ -e "$JOBS/bad" ]; then not_ok "storm: no wrong word" "$(cat "$JOBS/bad" "$JOBS/out")"; else ok "storm: no wrong word"; fi
check "storm: memory moved" '$v1 >= 16*MB' $moves
check "storm: the limit was kept, but for half a second at a time" '$v1 <= 500' $longest
check "storm: and passed by no more than 32 MiB" '$v1 <= 160*MB' "$(sim_peak 0)"
poll 30 idle && ok "storm: the nodes are idle" || not_ok "storm: the nodes are idle" "$(squeue; sinfo -N)"
poll 10 at_most 0 0
is "storm: no page is left on the device" 0 "$(sim 0)"
is "storm: no owner is left" "$baseline" "$(owners)"
is "storm: no process is left" "" "$(pgrep -x load)"
is "storm: the kernel has nothing to say" "" "$(dmesg | grep -E 'BUG|WARNING|Oops|bad page|stuck' | head -n 5)"

cluster_down
finish
