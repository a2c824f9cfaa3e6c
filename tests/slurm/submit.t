#!/bin/bash
# SPDX-License-Identifier: MIT
# What a user sees at submit, with real Slurm daemons on this machine and no device: bad words, bad
# configuration, help, where the policy comes from.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up() { # lines of gpumem.conf
	printf 'StateDir=%s/%%n\n%s\n' "$STATE" "${1:-}" >"$RIG.conf"
	local out
	out=$("$SRCDIR/tests/vm/slurm-up" --plugin "$PREFIX/lib/slurm/spank_gpumem.so" \
		--plugin-args "config=$RIG.conf${2:+ $2}" 2>&1) || { echo "Bail out! no cluster: $out"; exit 1; }
	eval "$(grep '^export' <<<"$out")"
	chmod 777 "$JOBS"
}
RIG=$(mktemp -d /tmp/gpumem-submit.XXXXXX) STATE=$RIG/gpumem JOBS=$RIG/jobs
export RIG
chmod 755 "$RIG"
trap 'cluster_down >/dev/null 2>&1; rm -rf "$RIG" "$RIG.conf"' EXIT
cluster_up "MaxLimit=64G
PartitionName=debug AllowedPolicies=host,prefer,bind,advise"

# refused TEXT-IN-THE-LINE POLICY: srun and sbatch alike, one line, the status of Slurm's own options.
slurms_own=$(user srun --mem=nonsense true >/dev/null 2>&1; echo $?)
refused() {
	local out status
	out=$(user srun --gpu-mem-policy="$2" true 2>&1)
	status=$?
	if [ "$status" = "$slurms_own" ] && [ "$(wc -l <<<"$out")" = 1 ] && grep -qF -- "$1" <<<"$out" &&
		grep -q '^srun: error: --gpu-mem-policy: ' <<<"$out"; then
		ok "refused: '$2'"
	else
		not_ok "refused: '$2'" "expected status $slurms_own and one line with: $1" "status $status: $out"
	fi
}
refused "allowed: off, host, prefer, bind" nonsense
refused "no placement; allowed: off, host" ""
refused "'preferr': unknown placement" preferr,limit=1G
refused "'limt=1G'" prefer,limt=1G
refused "'limit=1X'" prefer,limit=1X
refused "'limit='" prefer,limit=
refused "'limit=-5G'" prefer,limit=-5G
refused "'limit=0'" prefer,limit=0
refused "'limit=101%'" prefer,limit=101%
refused "'limit=99999999999T'" prefer,limit=99999999999T
refused "'reserve=all'" bind,reserve=all
refused "'high=0%'" prefer,high=0%
refused "low" prefer,high=50%,low=60%
refused "'evict=coldest'" prefer,evict=coldest
refused "'suspend=maybe'" prefer,suspend=maybe
refused "'report=yes'" prefer,report=yes
refused "'limit=2G'" prefer,limit=1G,limit=2G
refused "off" off,limit=1G
refused "empty option" prefer,
refused "interleave" interleave:0/1
refused "'end=evict' is not supported yet" prefer,end=evict
refused "only interleave takes a ratio" prefer:3/1
refused "limit=65G is above the site's maximum of 64G" prefer,limit=65G
out=$(user sbatch --gpu-mem-policy=nonsense --wrap true 2>&1)
is "sbatch: the same status" "$slurms_own" $?
is "sbatch: one line" 1 "$(wc -l <<<"$out")"
out=$(user salloc --gpu-mem-policy=nonsense true 2>&1)
is "salloc: the same status" "$slurms_own" $?
is "nothing was submitted" "" "$(squeue -h)"
printf '#!/bin/bash\n#SBATCH --gpu-mem-policy=nonsense\ntrue\n' >"$JOBS/script"
out=$(user sbatch script 2>&1)
is "#SBATCH: the same status" "$slurms_own" $?
rm "$JOBS/script"

out=$(user srun --gpu-mem-policy=help)
is "help: status 0" 0 $?
has "help: shows the grammar" "limit=" "$out"
has "srun --help lists the option" "gpu-mem-policy=policy" "$(user srun --help)"

# The environment gives the default, the command line wins, and a bad default does not hurt it.
out=$(user env SLURM_GPU_MEM_POLICY=nonsense srun true 2>&1)
is "a bad variable: refused" "$slurms_own" $?
user env SLURM_GPU_MEM_POLICY=nonsense srun -Q --gpu-mem-policy=host true
is "a bad variable and a good option: runs" 0 $?
out=$(user env SBATCH_GPU_MEM_POLICY=nonsense sbatch --wrap true 2>&1)
is "SBATCH_GPU_MEM_POLICY is sbatch's" "$slurms_own" $?
out=$(user env SALLOC_GPU_MEM_POLICY=nonsense salloc true 2>&1)
is "SALLOC_GPU_MEM_POLICY is salloc's" "$slurms_own" $?
out=$(user env SALLOC_GPU_MEM_POLICY=nonsense SBATCH_GPU_MEM_POLICY=nonsense srun -Q true 2>&1)
is "and neither is srun's" 0 $?

# No coherent device here: everything runs but bind.
poll 20 idle
out=$(user srun -Q --gpus=1 --gpu-mem-policy=prefer,limit=1G true 2>&1)
is "prefer without coherent memory: runs without a word" "0 " "$? $out"
out=$(user srun -Q --gpus=1 --gpu-mem-policy=prefer,limit=1G,verbose true 2>&1)
has "with verbose: one informative line" "^gpumem: n[12]: no coherent GPU memory on this node$" "$out"
out=$(user srun -Q --gpus=1 --gpu-mem-policy=bind true 2>&1)
is "bind without coherent memory: fails" 1 $?
has "bind: says why" "^gpumem: n[12]: no coherent GPU memory on this node$" "$out"
poll 20 idle && ok "the nodes stay up" || not_ok "the nodes stay up" "$(sinfo -N -o '%N %T %E')"

# A forged option does not pass the node, and fails no job.
forged=SLURM_SPANK__SLURM_SPANK_OPTION_gpumem_gpu_mem_policy
out=$(user sh -c "echo '#!/bin/bash
$forged=rubbish srun true
echo rc=\$?' >script; sbatch --wait -Q -o out script; cat out" 2>&1)
has "a forged value is refused by srun" "rc=$slurms_own" "$out"

# Rules of a partition are not known at submit; they hold on the node, and fail no job but bind.
out=$(user srun -Q --gpu-mem-policy=off true 2>&1)
is "a placement that the partition forbids: the job runs" 0 $?
has "and the user is told" "^gpumem: n[12]: placement 'off' is not allowed here; allowed: host, prefer, bind, advise" "$out"
out=$(user srun -Q --gpu-mem-policy=interleave:3/1 true 2>&1)
has "interleave is a policy, and forbidden here too" "^gpumem: n[12]: placement 'interleave' is not allowed here; " "$out"
cluster_down >/dev/null 2>&1

# A bad gpumem.conf: one line with file and line number, and no job is harmed.
bad_conf() { # LINE EXPECTED-TEXT
	printf '%s\n' "$1" >"$RIG.conf"
	local out status
	out=$(gpumem check-conf "$RIG.conf" 2>&1)
	status=$?
	if [ $status = 1 ] && [ "$(wc -l <<<"$out")" = 1 ] && grep -qF "$RIG.conf:1: " <<<"$out" && grep -qF -- "$2" <<<"$out"; then
		ok "check-conf: '$1'"
	else
		not_ok "check-conf: '$1'" "expected status 1 and one line with: $RIG.conf:1: … $2" "status $status: $out"
	fi
}
bad_conf "Limit=3G" "Limit"
bad_conf "MaxLimit" "MaxLimit"
bad_conf "MaxLimit=lots" "lots"
bad_conf "MaxLimit=0%" "0%"
bad_conf "DefaultPolicy=fast" "fast"
bad_conf "DefaultPolicy=prefer,end=evict" "not supported yet"
bad_conf "AllowedPolicies=prefer,anything" "anything"
bad_conf "StateDir=run/gpumem" "run/gpumem"
bad_conf "OnLeftover=panic" "kill"
bad_conf "CpuBudget=200%" "200%"
bad_conf "VerifySeconds=-1" "-1"
bad_conf "MemcgCredit=maybe" "allowed: yes, no"
bad_conf "HardLimit=always" "allowed: auto, no"
bad_conf "Accounting=yes" "not an absolute path"
bad_conf "AdminComment=1" "allowed: yes, no"
bad_conf "NodeName=n1 Devices=gpu0" "gpu0"
bad_conf "PartitionName=a StateDir=/tmp" "StateDir"

cluster_up "MaxLimit=lots"
out=$(user srun -Q --gpus=1 --gpu-mem-policy=prefer true 2>&1)
is "a bad gpumem.conf: the job runs" 0 $?
poll 20 idle && ok "a bad gpumem.conf: no node is drained" || not_ok "a bad gpumem.conf: no node is drained" "$(sinfo -N -o '%N %T %E')"
cluster_down >/dev/null 2>&1
cluster_up "" "MaxLimit=2G"
out=$(user srun -Q --gpu-mem-policy=prefer,limit=3G true 2>&1)
has "plugstack.conf's own words count" "above the site's maximum of 2G" "$out"
finish
