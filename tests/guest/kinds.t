#!/bin/bash
# SPDX-License-Identifier: MIT
# One cluster, a node with devices of kind svm and one whose devices are NUMA nodes: the same script, the same
# words, the same report.
. "${SRCDIR:?}/tests/guest/lib.sh"

[ "${GPUMEM_VM_GPU_NODES:-0}" -ge 4 ] || { echo "1..0 # SKIP no nodes of devices (tests/vm/run -g 4)"; exit 0; }
numa_pci() { echo "0000:0$(($1 + 1)):00.0"; }
mapfile -t files < <(ls /dev/dri/renderD*)
KIND=svm cluster_up "$(for i in 2 3; do
		echo "Device=$(numa_pci $i) Kind=numa Node=$((GPU_NODE + i)) File=${files[i]} NodeName=n2"
	done)"
# The last NodeName= line of a node holds no more than the first: n2's is written anew.
sed -i "s/^NodeName=n2 .*/NodeName=n2 Devices=$(numa_pci 2),$(numa_pci 3)/" /tmp/gpumem.conf
poll 30 idle

cat >"$JOBS/script" <<-S2
	#!/bin/bash
	#SBATCH -N1 -n2 --gpus-per-task=1 --mem=1200
	#SBATCH --gpu-mem-policy=prefer,limit=64M,report
	srun filler -m 96 -t 150 -s $JOBS/stop -o $JOBS/w
S2
# Bytes on the first device of node $1 as its kernel counts them.
on_node() { if [ "$1" = n1 ]; then KIND=svm sim "$2"; else KIND=numa sim $((2 + $2)); fi; }
# Both devices of $node have what fits; $most0 and $most1 are the most there ever was.
filled() {
	local now0 now1
	now0=$(on_node $node 0) now1=$(on_node $node 1)
	[ "$now0" -le "$most0" ] || most0=$now0
	[ "$now1" -le "$most1" ] || most1=$now1
	[ "$now0" -ge $((58 * MB)) ] && [ "$now1" -ge $((58 * MB)) ]
}
# A report without what differs from run to run: numbers, and whose device it is.
shape() { grep -v 'moves that failed' "$1" | sed -E 's/[0-9]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/DEVICE/g; s/[0-9]+(\.[0-9]+)?[BKMG]?/#/g; s/ +/ /g; s/n#/NODE/g' | sort -u; }
for node in n1 n2; do
	rm -f "$JOBS"/w.* "$JOBS/stop"
	batch -w $node -o "$JOBS/$node.out" "$JOBS/script" >"$JOBS/submit" 2>&1 &
	job=$!
	most0=0 most1=0
	poll 40 filled
	# Two more seconds to go too far in.
	for i in 1 2 3 4 5 6 7; do sleep 0.3; filled; done
	touch "$JOBS/stop"
	wait $job
	is "$node: the script ends well" 0 $?
	check "$node: each task filled its device up to the mark, and no further" \
		'$v1 >= 58*MB && $v1 <= 65*MB && $v2 >= 58*MB && $v2 <= 65*MB' $most0 $most1
	for pid in $(fillers); do is "$node: the pattern of $pid is intact" 0 "$(said "$pid" errors)"; done
	sed 's/^/# /' "$JOBS/$node.out"
	poll 30 idle
	check "$node: nothing is left" '$v1 <= MB && $v2 <= MB' "$(on_node $node 0)" "$(on_node $node 1)"
done
is "the reports have the same lines" "$(shape "$JOBS/n1.out")" "$(shape "$JOBS/n2.out")"
is "what slurmd found: no node on n1, two on n2" "0 2" \
	"$(grep -c '^kind numa$' "$STATE/n1/devices") $(grep -c '^kind numa$' "$STATE/n2/devices")"

# One step over both nodes.
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -N2 -n2 --gpus-per-task=1 --mem=900 --gpu-mem-policy=prefer,limit=64M \
	filler -m 96 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
both() { [ "$(on_node n1 0)" -ge $((58 * MB)) ] && [ "$(on_node n2 0)" -ge $((58 * MB)) ]; }
poll 40 both && ok "one job on both nodes is served on both" ||
	not_ok "one job on both nodes is served on both" "$(on_node n1 0) $(on_node n2 0)" "$(cat "$JOBS/out")"
touch "$JOBS/stop"
wait $job
is "it ends well" 0 $?

cluster_down
finish
