#!/bin/bash
# SPDX-License-Identifier: MIT
# One limit for all processes of a job on a device: two tasks, a forked child, an exec.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
d0=$(device_pci 0)

# Two tasks see both GPUs of the node; the job's limit on a device binds them together.
rm -f "$JOBS"/w.* "$JOBS/stop"
sim_peak_reset 0
user srun -w n1 -n2 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=48M \
	filler -m 64 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
poll 60 at_least 0 $((11264 * 4096))
id=$(squeue -h -o %A)
at_rest "$id" $((42 * MB))
# The high mark is at 45.6 MiB; each of the two may lack room for a whole huge page.
check "two tasks, one device: 42 to 48 MiB together" '$v1 >= 42*MB && $v1 <= 48*MB' "$(sim 0)"
agrees "two tasks: gpumem status agrees" "sim 0" "told $id $d0"
is "two tasks: status shows both processes" 2 \
	"$(gpumem status --conf /tmp/gpumem.conf -n -o PID,COMMAND | grep -c filler)"
touch "$JOBS/stop"
wait $job
is "two tasks: the job ends well" 0 $?
check "two tasks: the limit was never passed" '$v1 <= 48*MB' "$(sim_peak 0)"

# A child that a task forks is a process of the job like any other.
poll 20 idle
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=64M \
	filler -m 48 -t 240 -s "$JOBS/stop" -f -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
poll 60 at_least 0 $((15360 * 4096))
id=$(squeue -h -o %A)
at_rest "$id" $((58 * MB))
# The high mark is at 60.8 MiB.
check "forked child: 58 to 64 MiB together" '$v1 >= 58*MB && $v1 <= 64*MB' "$(sim 0)"
agrees "forked child: gpumem status agrees" "sim 0" "told $id $d0"
is "forked child: status shows both processes" 2 \
	"$(gpumem status --conf /tmp/gpumem.conf -n -o PID,COMMAND | grep -c filler)"
touch "$JOBS/stop"
wait $job
is "forked child: both patterns are intact" 0 $?

# Of a parent that was killed, its child has what they shared. It counts at every moment: nobody else gets its room.
poll 20 idle
rm -f "$JOBS"/{w,v}.* "$JOBS/stop"
cat >"$JOBS/script" <<-S
#!/bin/bash
filler -m 16 -t 240 -s $JOBS/stop -k -o $JOBS/w &
until grep -qs role=heir $JOBS/w.*; do sleep 0.1; done
exec filler -m 80 -t 240 -s $JOBS/stop -o $JOBS/v
S
sim_peak_reset 0
user srun -w n1 -n1 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=64M bash "$JOBS/script" >"$JOBS/out" 2>&1 &
job=$!
forked() { grep -qs role=heir "$JOBS"/w.*; }
poll 60 forked
poll 30 at_least 0 $((58 * MB)) && ok "killed parent: the limit is used" ||
	not_ok "killed parent: the limit is used" "$(sim 0)" "$(cat "$JOBS/out")"
heir=$(sed -n 's/^pid=\([0-9]*\) role=heir.*/\1/p' "$JOBS"/w.[0-9]*)
known() { gpumem status --conf /tmp/gpumem.conf -n -o PID | grep -qw "$heir"; }
# Its agent begins after a while, later where CPUs are busy.
poll 30 known || not_ok "killed parent: the child is in the record" "$(gpumem status --conf /tmp/gpumem.conf)"
kill -STOP "$heir" # its agent looks at nothing
kill -KILL "$(ps -o ppid= "$heir")"
sleep 3 # for others to see it, and to take the room
kill -CONT "$heir"
sleep 3 # longer than an agent sleeps
check "killed parent: the limit was never passed" '$v1 <= 64*MB + SLACK' "$(sim_peak 0)"
id=$(squeue -h -o %A)
at_rest "$id"
agrees "killed parent: status counts each page once" "sim 0" "told $id $d0"
touch "$JOBS/stop"
wait $job
is "killed parent: the pattern of who came last is intact" 0 $?
has "killed parent: and that of the child" 'role=heir .*errors=0 ' "$(cat "$JOBS"/w.*)"

# exec drops the memory; the process goes on under the same pid and is served again.
poll 20 idle
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy=prefer,limit=64M \
	filler -m 48 -t 90 -e -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
served() { grep -q 'role=exec device=[1-9]' "$JOBS"/w.[0-9]* 2>/dev/null; }
poll 60 served && ok "exec: the new program's memory comes to the device" ||
	not_ok "exec: the new program's memory comes to the device" "$(cat "$JOBS"/w.*)" "$(cat "$JOBS/out")"
sleep 2
id=$(squeue -h -o %A)
agrees "exec: gpumem status agrees" "sim 0" "told $id $d0"
is "exec: the process has one slot" 1 "$(gpumem status --conf /tmp/gpumem.conf -n -o PID,DEVICE | grep -c 0000:)"
touch "$JOBS/stop"
wait $job
is "exec: the pattern is intact" 0 $?

# A step may have less than its job, and is told when it asks for more.
poll 20 idle
rm -f "$JOBS"/w.* "$JOBS/stop"
cat >"$JOBS/script" <<-S
#!/bin/bash
srun --gpu-mem-policy=prefer,limit=16M filler -m 48 -t 240 -s $JOBS/stop -o $JOBS/w
srun --gpu-mem-policy=prefer,limit=128M true
S
user sbatch -w n1 -n1 --gpus=1 --mem=800 -o step.out --gpu-mem-policy=prefer,limit=64M script >/dev/null
poll 60 at_least 0 $((3584 * 4096))
poll 20 still
# The low mark is at 14.1 MiB, and a chunk may just have left for another.
check "step: 12 to 16 MiB" '$v1 >= 12*MB && $v1 <= 16*MB' "$(sim 0)"
touch "$JOBS/stop"
poll 60 idle
has "step: a limit above the job's is named" "limit=128M of this step is above the job's 64M" "$(cat "$JOBS/step.out")"
cluster_down
finish
