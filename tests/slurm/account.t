#!/bin/bash
# SPDX-License-Identifier: MIT
# What is told of a job that ended, with real Slurm daemons and no device: the nodes are made to believe in
# devices by the file that slurmd leaves in StateDir, so there are records in which nothing ever moves.
. "${SRCDIR:?}/tests/guest/lib.sh"

RIG=$(mktemp -d /tmp/gpumem-account.XXXXXX) STATE=$RIG/gpumem JOBS=$RIG/jobs
export RIG
chmod 755 "$RIG"
trap 'cluster_down >/dev/null 2>&1; rm -rf "$RIG" "$RIG.conf"' EXIT
pci=0000:c1:00.0

cluster_up() { # lines of gpumem.conf
	local n out
	mkdir -p "$STATE/n1" "$STATE/n2"
	for n in n1 n2; do cp "$SRCDIR/tests/fuzz/corpus-devices/mi250x-6.12" "$STATE/$n/devices"; done
	printf 'StateDir=%s/%%n\nVerifySeconds=0\nNodeName=n1,n2 Devices=%s,0000:c6:00.0\n%s\n' "$STATE" $pci "${1:-}" >"$RIG.conf"
	out=$("$SRCDIR/tests/vm/slurm-up" --plugin "$PREFIX/lib/slurm/spank_gpumem.so" \
		--plugin-args "config=$RIG.conf" 2>&1) || { echo "Bail out! no cluster: $out"; exit 1; }
	eval "$(grep '^export' <<<"$out")"
	chmod 777 "$JOBS"
}
lines() { cat "$STATE/$1/accounting.jsonl" 2>/dev/null | wc -l; }
line_of() { sed -n "/\"job\":$2,/p" "$STATE/$1/accounting.jsonl"; }
has_line() { [ -n "$(line_of "$1" "$2" 2>/dev/null)" ]; }
# Which part of a JSON line; Python's parser is not ours.
field() { python3 -c 'import json, sys; print(eval("d" + sys.argv[1], {"d": json.loads(sys.stdin.read())}))' "$1"; }
comment() { scontrol show job "$1" | sed -n 's/ *$//; s/^ *AdminComment=//p'; }
last_job() { scontrol -o show job | sed -n 's/^JobId=\([0-9]*\) .*/\1/p' | sort -n | tail -1; }
blocks() { grep -c "^gpumem: n[12]: job [0-9]*, " <<<"$1"; }

cluster_up "AdminComment=yes"
out=$(user srun -Q -w n1 -n3 --gpus=1 --gpu-mem-policy=prefer,limit=1G,report true 2>&1)
id=$(last_job)
is "srun: one block for three tasks" 1 "$(blocks "$out")"
has "srun: the job, its policy" "^gpumem: n1: job $id, prefer,limit=1G,report: 0 processes in 0.0 s\$|^gpumem: n1: job $id, prefer,limit=1G,report: [0-9] process" "$out"
has "srun: its device alone" "^gpumem: n1: $pci  limit 1.0G  peak 0B " "$out"
is "srun: no other device" 1 "$(grep -c "limit 1.0G" <<<"$out")"
poll 10 has_line n1 "$id" && ok "srun: a line in the file" || not_ok "srun: a line in the file" "$(cat "$STATE"/n1/*.jsonl)" "$(tail -5 "$RIG"/log/slurmd-n1.log)"
line=$(line_of n1 "$id")
is "the line: one device" 1 "$(field '["devices"].__len__()' <<<"$line")"
is "the line: its limit" 1073741824 "$(field '["devices"][0]["limit"]' <<<"$line")"
is "the line: the node" n1 "$(field '["node"]' <<<"$line")"
is "the line: the owner" "$(id -u gpumemtest)" "$(field '["uid"]' <<<"$line")"
is "the line: nothing is left" "0 0" "$(field '["leftover"]' <<<"$line") $(field '["leftover_processes"]' <<<"$line")"
check "the line: it ended now" '$v1 >= $v2 - 60 && $v1 <= $v2' "$(field '["end"]' <<<"$line")" "$(date +%s)"
is "the file is root's" "root 640" "$(stat -c '%U %a' "$STATE/n1/accounting.jsonl")"
out=$(gpumem report --conf "$RIG.conf" "$id")
has "gpumem report shows it" "^n1: job $id, prefer,limit=1G,report: " "$out"
is "AdminComment: the same job" "n1" "$(comment "$id" | field '["gpumem"]["node"]')"

out=$(user srun -Q -N2 -n2 --gpus-per-node=1 --gpu-mem-policy=prefer,report true 2>&1)
id=$(last_job)
is "two nodes: a block each" "1 1" "$(grep -c '^gpumem: n1: job' <<<"$out") $(grep -c '^gpumem: n2: job' <<<"$out")"
poll 10 has_line n1 "$id" && poll 10 has_line n2 "$id" && ok "two nodes: a line each" || not_ok "two nodes: a line each" "$(cat "$STATE"/n?/*.jsonl)"
is "two nodes: the comment is the first one's" n1 "$(comment "$id" | field '["gpumem"]["node"]')"

# batch NAME LINES…: runs a script, its output in $out and its id in $id.
batch() {
	printf '#!/bin/bash\n#SBATCH -w n1 -n1 --gpus=1 -o out --gpu-mem-policy=prefer,report\n' >"$JOBS/script"
	printf '%s\n' "$@" >>"$JOBS/script"
	id=$(user sbatch --wait --parsable script)
	poll 20 has_line n1 "$id"
	out=$(cat "$JOBS/out")
}
batch true
is "a batch script without steps prints once" 1 "$(blocks "$out")"
has "and puts it into the comment" '^\{"gpumem":\{"node":"n1","policy":"prefer,report",' "$(comment "$id")"
batch 'srun true' 'srun -n1 true'
is "a batch script with two steps: they print" 2 "$(blocks "$out")"
is "one line in the file all the same" 1 "$(line_of n1 "$id" | wc -l)"
batch 'srun --gpu-mem-policy=prefer true'
is "a step that wants no report prints none, the script does" 1 "$(blocks "$out")"
out=$(user srun -Q -w n1 --gpus=1 --gpu-mem-policy=prefer true 2>&1)
is "without report nothing is printed" "" "$out"
has "the comment is set all the same" '^\{"gpumem":' "$(comment "$(last_job)")"
out=$(user srun -Q -w n1 --gpus=1 --gpu-mem-policy=off true 2>&1)
is "off: no comment" "" "$(comment "$(last_job)")"

# Somebody else's comment stays.
batch 'touch running; while [ ! -e go ]; do sleep 0.1; done' &
poll 20 test -e "$JOBS/running"
id=$(last_job)
scontrol update jobid="$id" admincomment="bill to: physics"
touch "$JOBS/go"
wait $!
is "a comment of the admin stays" "bill to: physics" "$(comment "$id")"

check "the file has a line for each job" '$v1 >= 7' "$(lines n1)"
cluster_down >/dev/null 2>&1

# A controller that does not answer holds no job up for long.
mkdir "$RIG/slow"
printf '#!/bin/sh\nexec sleep 87654\n' >"$RIG/slow/scontrol"
chmod -R a+rx "$RIG/slow"
path=$PATH PATH=$RIG/slow:$PATH
cluster_up "AdminComment=yes"
PATH=$path
start=$SECONDS
out=$(user srun -Q -w n1 -n1 --gpus=1 --gpu-mem-policy=prefer,report true 2>&1)
is "a controller that does not answer: the job ends well" 0 $?
check "after a few seconds" '$v1 >= 4 && $v1 <= 15' $((SECONDS - start))
is "its report comes first" 1 "$(blocks "$out")"
is "nothing goes on asking" "" "$(pgrep -f 'sleep 87654')"
poll 20 idle && ok "the node is idle" || not_ok "the node is idle" "$(sinfo -N -o '%N %T %E')"
cluster_down >/dev/null 2>&1

rm -rf "$STATE"
cluster_up "Accounting=no"
user srun -Q -w n1 --gpus=1 --gpu-mem-policy=prefer true
is "AdminComment is off by default" "" "$(comment "$(last_job)")"
poll 20 idle
is "Accounting=no: no file" "" "$(ls "$STATE/n1" | grep -v devices)"
cluster_down >/dev/null 2>&1
cluster_up "Accounting=/nowhere/at/all"
user srun -Q -w n1 --gpus=1 --gpu-mem-policy=prefer true
is "a file that cannot be written harms no job" 0 $?
poll 20 idle && ok "and drains no node" || not_ok "and drains no node" "$(sinfo -N -o '%N %T %E')"
has "the log says so" "gpumem: job [0-9]+: /nowhere/at/all: No such file" "$(cat "$RIG/log/slurmd-n1.log")"
finish
