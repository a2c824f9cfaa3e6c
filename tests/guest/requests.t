#!/bin/bash
# SPDX-License-Identifier: MIT
# What a user can ask of a running job: set limit=, evict, migrate; for all and for one process.
. "${SRCDIR:?}/tests/guest/lib.sh"

# Where the kernel keeps limits too, a user cannot raise that of a step that runs: wall.t.
wall=''
! grep -qw dmem /sys/fs/cgroup/cgroup.controllers || wall=HardLimit=no
cluster_up "MaxLimit=100M
$wall"
d0=$(device_pci 0)
conf="--conf /tmp/gpumem.conf"
start() { # POLICY ARGS…
	local policy=$1
	shift
	poll 30 idle
	rm -f "$JOBS"/w.*
	user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy="$policy" "$@" >"$JOBS/out" 2>&1 &
	job=$!
}
settled() { [ "$(sim 0)" -ge $(($1 * MB)) ]; }

start prefer,limit=64M filler -m 96 -t 240 -o "$JOBS/w"
poll 60 settled 57
id=$(squeue -h -o %A)

# The clock starts when the request is written, which is when a command that does not wait returns.
started=$(date +%s%N)
user gpumem set $conf --wait 0 limit=32M
is "set limit=32M: accepted" 0 $?
begin=$(date +%s%N)
poll 10 at_most 0 $((8192 * 4096))
took=$((($(date +%s%N) - begin) / 1000000))
echo "# set limit=32M: done $took ms after the command, $((($(date +%s%N) - started) / 1000000)) ms with it"
check "set limit=32M: at most 32 MiB within 1 s" '$v1 <= 1000 && $v2 <= 32*MB && $v2 >= 25*MB' "$took" "$(sim 0)"
agrees "set limit=32M: gpumem status agrees" "sim 0" "told $id $d0"
is "set limit=32M: status shows it" 32M "$(gpumem status $conf -d -n -o DEVICE,LIMIT | awk -v d="$d0" '$1 == d { print $2 }' | sed 's/\.0M/M/')"

user gpumem set $conf limit=80M
poll 40 settled 72 && ok "set limit=80M: the job uses it" || not_ok "set limit=80M: the job uses it" "$(sim 0)"
out=$(user gpumem set $conf limit=128M 2>&1)
is "above the site's maximum: refused with status 1" 1 $?
is "above the site's maximum: one line" "gpumem: limit=128M is above the site's maximum of 100M on $d0" "$out"
out=$(user gpumem set $conf colour=red 2>&1)
is "an unknown setting: status 2" 2 $?

user gpumem evict $conf
is "evict: done" 0 $?
is "evict: nothing is left on the device" 0 "$(sim 0)"
sleep 3
is "evict: it stays away" 0 "$(sim 0)"
is "evict: status says why" evict "$(gpumem status $conf -d -n -o DEVICE,REQUEST | awk -v d="$d0" '$1 == d { print $2 }')"
pid=$(pgrep -x filler)
user gpumem migrate $conf --pid "$pid"
is "migrate --pid: accepted" 0 $?
poll 40 settled 72 && ok "migrate --pid: back up to the limit" || not_ok "migrate --pid: back up to the limit" "$(sim 0)"
out=$(user gpumem migrate $conf --pid 1 2>&1)
is "a process that is not the job's: status 1" 1 $?
is "a process that is not the job's: one line" "gpumem: process 1 is in no job's record on this node" "$out"
user gpumem evict $conf --pid "$pid" --device "$d0"
is "evict --pid --device: nothing is left" 0 "$(sim 0)"
sleep 1
is "the pattern is intact" 0 "$(said "$pid" errors)"
user scancel "$id"
wait $job

# advise: nothing moves until somebody asks.
start advise,limit=32M filler -m 48 -t 240 -o "$JOBS/w"
poll 60 sh -c "ls $JOBS/w.* >/dev/null 2>&1"
sleep 3
is "advise: nothing moves by itself" 0 "$(sim 0)"
user gpumem migrate $conf
poll 40 settled 28 && ok "advise: migrate brings it, within the limit" || not_ok "advise: migrate brings it" "$(sim 0)"
check "advise: not more than the limit" '$v1 <= 32*MB' "$(sim 0)"
user scancel "$(squeue -h -o %A)"
wait $job

# Another user sees and changes nothing.
start prefer,limit=32M filler -m 48 -t 240 -s "$JOBS/stop"
poll 60 settled 28
is "another user sees no job" "" "$(runuser -u nobody -- env PATH="$PATH" gpumem status $conf -n)"
out=$(runuser -u nobody -- env PATH="$PATH" gpumem evict $conf --job "$(squeue -h -o %A)" 2>&1)
is "another user cannot evict" 1 $?
has "another user is told why" "Permission denied" "$out"
touch "$JOBS/stop"
wait $job
is "the job ends well" 0 $?
cluster_down
finish
