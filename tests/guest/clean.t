#!/bin/bash
# SPDX-License-Identifier: MIT
# Page cache in the memory of a GPU that is a NUMA node: it leaves before a job begins, if the site wants it, and
# what others have there is told and left alone.
. "${SRCDIR:?}/tests/guest/lib.sh"

node=${GPUMEM_VM_FIRST_GPU_NODE:-}
[ -n "$node" ] || { echo "1..0 # SKIP no node of a GPU in this guest: tests/vm/run --gpu-nodes"; exit 0; }
gpu=0009:01:00.0
LOG=$RIG/log/slurmd-n1.log

conf() { # CleanPageCache=
	cat >/tmp/gpumem.conf <<-C
	StateDir=$STATE/%n
	Device=$gpu Kind=numa Node=$node NodeName=n1,$(hostname -s)
	NodeName=n1 Devices=$gpu
	CleanPageCache=$1
	C
}
# In MiB: FilePages without shared memory, AnonPages.
cache() { awk '$3 == "FilePages:" { s += $4 } $3 == "Shmem:" { s -= $4 } END { print int(s / 1024) }' \
	"/sys/devices/system/node/node$node/meminfo"; }
anon() { awk '$3 == "AnonPages:" { print int($4 / 1024) }' "/sys/devices/system/node/node$node/meminfo"; }
# Data of a file, read by a process that may have memory on the node alone. Its file system is mounted anew each
# time, so that nothing of it is cached elsewhere.
image=/tmp/clean.img
modprobe loop; modprobe ext4
truncate -s 96M $image && mkfs.ext4 -q -F $image && mkdir -p /tmp/clean.mnt && mount -o loop $image /tmp/clean.mnt &&
	head -c 56M /dev/zero | tr '\0' x >/tmp/clean.mnt/file && sync -f /tmp/clean.mnt/file ||
	{ echo "Bail out! no file system in a file"; exit 1; }
fill_cache() {
	umount /tmp/clean.mnt
	mount -o loop $image /tmp/clean.mnt
	numactl --membind="$node" cat /tmp/clean.mnt/file >/dev/null
}
job() { user srun -w n1 -n1 --gpus=1 --mem=200 "$@"; }
told() { sed -n "s/.*gpumem: job [0-9]*: node $node ($gpu): $1.*/&/p" "$LOG"; }

conf yes
mkdir -p "$STATE"
out=$("$SRCDIR/tests/vm/slurm-up" --plugin "$PREFIX/lib/slurm/spank_gpumem.so" \
	--plugin-args config=/tmp/gpumem.conf 2>&1) || { echo "Bail out! no cluster: $out"; exit 1; }
eval "$(grep '^export' <<<"$out")"
chmod 777 "$JOBS"

is "the site's device is listed as such" "numa $node conf:Device,sysfs:cpuless,sysfs:movable" \
	"$(gpumem list --conf /tmp/gpumem.conf --no-hwloc -n -o DEVICE,KIND,NODE,EVIDENCE |
		awk -v d=$gpu '$1 == d { print $2, $3, $4 }')"

fill_cache
check "files fill the node" '$v1 >= 32' "$(cache)"
job true
check "it is nearly empty when the job begins" '$v1 < 16' "$(cache)"
has "the log has before and after" 'page cache [3-9][0-9]M -> [0-9]+M' "$(told 'page cache')"
is "nothing is said of others' memory where there is little" "" "$(told '[0-9]* bytes')"
poll 20 idle

# A shell keeps what it read.
rm -f /tmp/held
numactl --membind="$node" bash -c 'x=$(head -c 32M /dev/zero | tr "\0" x); echo ${#x} >/tmp/held; read -r _ < <(sleep 300)' &
holder=$!
poll 60 test -s /tmp/held
check "a process has memory on the node" '$v1 >= 32' "$(anon)"
job true
has "it is told" 'gpumem: job [0-9]+: node [0-9]+ \(.*\): [0-9]+ bytes of others. memory' "$(told '[0-9]* bytes')"
check "and left alone" '$v1 >= 32' "$(anon)"
poll 20 idle
pkill -P $holder
kill $holder 2>/dev/null

# An edit holds for the next job.
conf no
fill_cache
job true
check "CleanPageCache=no: the page cache stays" '$v1 >= 32' "$(cache)"
poll 20 idle && ok "the node goes on" || not_ok "the node goes on" "$(sinfo -N -o '%N %T %E')"
umount /tmp/clean.mnt
cluster_down
finish
