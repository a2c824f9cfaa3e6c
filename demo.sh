#!/bin/bash
# SPDX-License-Identifier: MIT
# Shows a Slurm job whose memory moves to simulated coherent GPUs and back, on any Debian 12 machine.
set -u

usage() {
	cat <<'USAGE'

Usage:
 ./demo.sh [--no-install]

Installs what is missing, builds in build/, boots a guest with simulated devices and runs a job
there. Takes a few minutes, changes nothing outside this folder but installed packages and a
cached kernel (~/.cache/gpumem-vm). Exit status 0: everything shown was as it should be.
USAGE
}

install=1
case ${1:-} in
'') ;;
--no-install) install='' ;;
-h|--help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")" || exit 1
exec </dev/null
SECONDS=0
unset SLURM_CONF "${!GPUMEM_@}" 2>/dev/null
export LC_ALL=C.UTF-8
if [ -n "$install" ]; then
	tests/packages install || exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "demo.sh: the guest shares this machine's files and needs root" >&2
	exit 1
fi
step() { # WHAT COMMAND…
	local log=build/logs/demo.log
	mkdir -p build/logs
	printf '%4d s  %s\n' $SECONDS "$1"
	shift
	"$@" >$log 2>&1 && return
	tail -n 40 $log >&2
	exit 1
}
step "building gpumem" tests/build main
step "building the simulated devices for kernel 6.12" tests/build kfdsim 6.12
printf '%4d s  booting the guest\n\n' $SECONDS
tests/vm/run --quiet --kernel 6.12 --module "$PWD/build/kfdsim-6.12/kfdsim.ko" --timeout 600 \
	--setenv "SRCDIR=$PWD" --setenv "BUILDDIR=$PWD/build" --setenv "PREFIX=$PWD/build/inst" \
	--cwd / -- "$PWD/tests/guest/demo"
status=$?
echo
case $status in
0) echo "Everything was as it should be. ($SECONDS s)" ;;
*) echo "Something was not as it should be: exit status $status. ($SECONDS s)" ;;
esac
exit $status
