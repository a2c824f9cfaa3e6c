#!/bin/bash
# SPDX-License-Identifier: MIT
# The library as applications use it: alone, in a job beside the agent, and the documented example.
. "${SRCDIR:?}/tests/guest/lib.sh"

# The program prints TAP of its own; its verdict is one test here, its failures are shown.
run_api() { # TITLE COMMAND…
	local title=$1 out status
	shift
	out=$("$@" 2>&1)
	status=$?
	echo "# $title: $(grep -c '^ok' <<<"$out") checks passed"
	if [ $status = 0 ] && grep -q '^1\.\.' <<<"$out"; then
		ok "$title"
	else
		not_ok "$title" "exit status $status" "$(grep -A1 -v '^ok' <<<"$out")"
	fi
}

run_api "without a job, as root" api
run_api "without a job, as a user" user api
is "nothing is left on the device" 0 "$(sim 0)"
out=$(prefetch)
is "the example: exit status" 0 $?
has "the example: its data was on the device" "^prefetch: device   32 MiB, system memory    0 MiB" "$out"
has "the example: and came back" "^evicted:  device    0 MiB, system memory   32 MiB" "$out"

if [ $KIND = svm ]; then
# Errors that the driver gives for a while are tried again; one that stays leaves the data in place.
echo "inject errno=EAGAIN op=set count=3" >/dev/kfdsim-control
out=$(prefetch)
is "EAGAIN three times: the example does not notice" 0 $?
echo "inject errno=EINTR op=set count=3" >/dev/kfdsim-control
out=$(prefetch)
is "EINTR three times: the example does not notice" 0 $?
fi

cluster_up
run_api "in a job, beside the agent" user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy=advise,limit=64M,high=100%,low=90% api 64
# Without a limit the kernel itself would put what is touched on a node.
policy=prefer
[ $KIND = svm ] || policy=prefer,limit=256M
run_api "in a job, the agent's policy is prefer" user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy=$policy api busy
poll 20 idle
is "nothing is left on the device" 0 "$(sim 0)"

if [ $KIND != svm ]; then
	cluster_down
	finish
fi

# A device whose memory others have: the data stays where it is, and status says why.
total=$(cat "/sys/bus/pci/devices/$(device_pci 0)/mem_info_vram_total")
echo "shrink dev=0 bytes=$((total / MB - 6))M" >/dev/kfdsim-control
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy=prefer,limit=64M filler -m 48 -t 240 -s "$JOBS/stop" -o "$JOBS/w" &
job=$!
poll 30 sh -c "ls $JOBS/w.* >/dev/null 2>&1"
poll 30 sh -c "gpumem status --conf /tmp/gpumem.conf -n -o NOTES | grep -q pressure"
echo "# $(gpumem status --conf /tmp/gpumem.conf -n -o FAILED,REASON,IN,NOTES | head -1)"
has "a full device: status says so" pressure "$(gpumem status --conf /tmp/gpumem.conf -n -o NOTES)"
check "a full device: it is not overfilled" '$v1 <= 6*MB' "$(sim 0)"
touch "$JOBS/stop"
wait $job
is "a full device: the job ends well, its pattern intact" 0 $?
echo "refill dev=0" >/dev/kfdsim-control
cluster_down
finish
