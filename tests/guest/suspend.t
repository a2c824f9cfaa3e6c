#!/bin/bash
# SPDX-License-Identifier: MIT
# A suspended job gives the device up, another one uses it, and a resumed job is where it was.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
conf="--conf /tmp/gpumem.conf"
d0=$(device_pci 0)
empty() { [ "$(sim 0)" = 0 ]; }
# Processes may trade their shares from then on.
back() { now=$(sim 0); [ "$now" -ge $((before * 95 / 100)) ]; }
start() { # POLICY
	rm -f "$JOBS"/w.* "$JOBS/stop"
	user srun -w n1 -n2 --gpus=1 --mem=1200 "--gpu-mem-policy=$1" \
		filler -m 48 -t 180 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
	job=$!
	poll 60 at_least 0 $((${2:-18000} * 4096))
	# Processes that trade are never still: they need not be.
	poll 2 still
	id=$(squeue -h -o %A)
	before=$(sim 0)
}
finish_job() { # WHAT
	touch "$JOBS/stop"
	wait $job
	is "$1: the job ends well" 0 $?
	for pid in $(fillers); do
		is "$1: the pattern of $pid is intact" 0 "$(said "$pid" errors)"
	done
	poll 20 idle
}

start prefer,limit=80M
begin=$(date +%s%N)
scontrol suspend "$id"
poll 10 empty
took=$((($(date +%s%N) - begin) / 1000000))
echo "# suspend: $((before / MB)) MiB left within $took ms"
is "suspend: the device is empty" 0 "$(sim 0)"
check "suspend: before the freezer came" '$v1 <= 2500' $took
sleep 3
is "suspend: it stays empty" 0 "$(sim 0)"
has "suspend: the tasks are frozen" 'SUSPENDED|S ' "$(squeue -h -o '%T ')"
# Another process has the device to itself meanwhile.
user gpumem run $conf -d $d0 prefer filler -m 64 -t 240 -s $JOBS/enough -o "$JOBS/other" >/dev/null 2>&1 &
other=$!
poll 10 at_least 0 $((12000 * 4096))
check "suspend: another one uses the device" '$v1 >= 46*MB' "$(sim 0)"
touch "$JOBS/enough"
wait $other
poll 10 empty
begin=$(date +%s%N)
scontrol resume "$id"
poll 15 back
took=$((($(date +%s%N) - begin) / 1000000))
echo "# resume: $((now / MB)) of $((before / MB)) MiB within $took ms"
check "resume: at least 95 % is back" '100 * $v1 >= 95 * $v2' "$now" "$before"
finish_job suspend

start prefer,limit=80M,suspend=keep
at_rest "$id"
before=$(sim 0)
scontrol suspend "$id"
sleep 4
check "suspend=keep: all stays" '$v1 >= $v2' "$(sim 0)" "$before"
scontrol resume "$id"
sleep 1
finish_job keep

# By hand, a process that really stops: its group is not an orphaned one.
rm -f "$JOBS"/w.* "$JOBS/stop"
user bash -c "set -m; gpumem run $conf -d $d0 prefer,limit=80M filler -m 48 -t 240 -s $JOBS/stop -o $JOBS/w >/dev/null 2>&1 &
	wait; wait" 2>/dev/null &
shell=$!
poll 30 at_least 0 $((12000 * 4096))
pid=$(fillers | head -n 1)
kill -TSTP "$pid"
stopped() { grep -q '^State:.T' "/proc/$pid/status"; }
poll 10 stopped && ok "SIGTSTP: the process stops" || not_ok "SIGTSTP: the process stops" "$(grep State "/proc/$pid/status")"
is "SIGTSTP: with nothing on the device" 0 "$(sim 0)"
kill -CONT "$pid"
poll 15 at_least 0 $((12000 * 4096))
check "SIGCONT: it is back" '$v1 >= 45*MB' "$(sim 0)"
touch "$JOBS/stop"
wait $shell
is "SIGCONT: the pattern is intact" 0 "$(said "$pid" errors)"

# Who handles the signal goes on handling it.
cat >/tmp/handler.sh <<'S'
trap 'echo handled' TSTP
echo ready $$
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.2; done
S
user gpumem run $conf -d $d0 prefer bash /tmp/handler.sh >"$JOBS/handled" 2>&1 &
runs=$!
poll 10 grep -q ready "$JOBS/handled"
sleep 1
# The shell alone: those before it have no handler, and might stop for good.
kill -TSTP "$(sed -n 's/^ready //p' "$JOBS/handled")"
wait $runs
has "a handler of its own is called" '^handled' "$(cat "$JOBS/handled")"

cluster_down
finish
