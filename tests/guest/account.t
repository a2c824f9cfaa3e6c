#!/bin/bash
# SPDX-License-Identifier: MIT
# What is told of a job's use of the devices, and the credit for it in the memory cgroup.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up "AdminComment=yes
MemcgCredit=yes"
balancing=$(cat /proc/sys/kernel/numa_balancing)
d0=$(device_pci 0)
echo 0 >/proc/sys/kernel/numa_balancing

line_of() { sed -n "/\"job\":$2,/p" "$STATE/$1/accounting.jsonl" 2>/dev/null; }
has_line() { [ -n "$(line_of "$1" "$2")" ]; }
# A figure of the line: whole numbers, found without a parser of ours.
figure() { grep -o "\"$1\":[0-9]*" <<<"$2" | head -1 | cut -d: -f2; }
valid() { ! command -v jq >/dev/null || jq -e . >/dev/null <<<"$1"; }
comment() { scontrol show job "$1" | sed -n 's/ *$//; s/^ *AdminComment=//p'; }
# The folder of the cgroup of process $1's step, and of its job.
step_cgroup() { sed -n 's|^0::\(.*/step_[^/]*\)/.*|/sys/fs/cgroup\1|p' "/proc/$1/cgroup"; }
job_cgroup() { sed -n 's|^0::\(.*\)/step_.*|/sys/fs/cgroup\1|p' "/proc/$1/cgroup"; }
reports() { [ -n "$(fillers)" ]; }
on_device() { [ "$(sim 0)" -ge $((60 * MB)) ]; }

# ---- one job, two steps one after the other: figures, and the same credit for each
cat >"$JOBS/script" <<-S
#!/bin/bash
#SBATCH -w n1 -n1 --gpus=1 --mem=300 -o out
#SBATCH --gpu-mem-policy=prefer,limit=64M,report
for i in 1 2; do
	srun filler -m 96 -t 240 -s $JOBS/stop.\$i -o $JOBS/w
done
S
rm -f "$JOBS"/w.* "$JOBS"/stop.*
id=$(user sbatch --parsable script)
base=$((300 * MB)) limit=$((64 * MB))
for i in 1 2; do
	poll 60 reports || not_ok "step $i reports" "$(cat "$JOBS/out")"
	poll 60 on_device || not_ok "step $i comes to the device" "$(sim 0)" "$(cat "$JOBS/out")"
	pid=$(fillers | head -1)
	is "step $i: its memory limit is the base and the device's limit" $((base + limit)) \
		"$(cat "$(step_cgroup "$pid")/user/memory.max")"
	is "step $i: and so is the job's" $((base + limit)) "$(cat "$(job_cgroup "$pid")/memory.max")"
	high=$(cat "$(job_cgroup "$pid")/memory.high")
	[ "$high" = max ] || check "step $i: it is not throttled below that" '$v1 >= $v2' "$high" $((base + limit))
	if [ $i = 1 ]; then
		out=$(gpumem report --conf /tmp/gpumem.conf "$id")
		has "gpumem report shows a running job" "^n1: $d0  limit 64.0M  peak [1-9]" "$out"
	fi
	touch "$JOBS/stop.$i"
	poll 30 sh -c "! kill -0 $pid 2>/dev/null" || not_ok "step $i ends" "$(cat "$JOBS/out")"
	rm -f "$JOBS"/w.*
done
poll 40 has_line n1 "$id"
out=$(cat "$JOBS/out")
is "each step prints its report, the script none" 2 "$(grep -c "^gpumem: n1: job $id, prefer,limit=64M,report: " <<<"$out")"
has "the report has the device's figures" \
	"^gpumem: n1: $d0  limit 64.0M  peak (6[0-4]\.[0-9]M)  mean [1-9][0-9.]*M  migrated [1-9][0-9.]*M  evicted " "$out"
line=$(line_of n1 "$id")
is "one line for the job" 1 "$(grep -c . <<<"$line")"
valid "$line" && ok "the line is JSON" || not_ok "the line is JSON" "$line"
check "peak: 60 MiB to the limit" '$v1 > 60*MB && $v1 <= 64*MB' "$(figure peak "$line")"
check "mean: above 0 and not above the peak" '$v1 > 0 && $v1 <= $v2' "$(figure mean "$line")" "$(figure peak "$line")"
check "migrated: both steps" '$v1 >= 120*MB' "$(figure migrated "$line")"
check "two processes" '$v1 >= 2' "$(figure processes "$line")"
is "nothing is left behind" 0 "$(figure leftover "$line")"
told=$(comment "$id")
has "the job's AdminComment has it" '^\{"gpumem":\{"node":"n1",.*"peak":[1-9]' "$told"
valid "$told" && ok "which is JSON" || not_ok "which is JSON" "$told"
poll 20 idle && ok "the nodes are idle" || not_ok "the nodes are idle" "$(sinfo -N -o '%N %T %E')" "$(squeue)"
has "gpumem report shows a job that ended" "^n1: $d0  limit 64.0M  peak 6[0-4]" "$(gpumem report --conf /tmp/gpumem.conf "$id")"

# ---- once for each node
rm -f "$JOBS"/w.*
out=$(user srun -Q -N2 -n4 --gpus-per-node=1 --mem=600 --gpu-mem-policy=prefer,limit=32M,report \
	filler -m 32 -t 6 2>&1)
is "two nodes: a report each" "1 1" \
	"$(grep -c '^gpumem: n1: job' <<<"$out") $(grep -c '^gpumem: n2: job' <<<"$out")"
has "two nodes: the second's figures are its own" "^gpumem: n2: $(device_pci 2)  limit 32.0M  peak [1-9]" "$out"

# ---- more than --mem allows, less than with the devices
poll 20 idle
fits() { user srun -Q -w n1 -n1 --gpus=1 --mem=90 --gpu-mem-policy=prefer,limit=64M filler -m 110 -t 5; }
out=$(fits 2>&1)
is "with the credit the device's memory does not count against --mem" 0 $?
echo "# $out"
poll 20 idle
cluster_down
cluster_up
out=$(fits 2>&1)
check "without it the job is killed" '$v1 != 0' $?
poll 20 idle
rm -f "$JOBS"/w.* "$JOBS/stop"
id=$(user sbatch --parsable -w n1 -n1 --gpus=1 --mem=300 -o /dev/null --gpu-mem-policy=prefer,limit=64M \
	--wrap "srun filler -m 96 -t 240 -s $JOBS/stop -o $JOBS/w")
poll 60 reports
pid=$(fillers | head -1)
is "without MemcgCredit the limit is Slurm's" "$base" "$(cat "$(job_cgroup "$pid")/memory.max")"
is "without AdminComment there is none" "" "$(comment "$id")"
has "limits are kept by agents alone here" "^ *agents\$" "$(gpumem list -n -o LIMITS | sort -u)"
touch "$JOBS/stop"
poll 30 idle
echo "$balancing" >/proc/sys/kernel/numa_balancing
cluster_down
finish
