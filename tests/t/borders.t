#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2034
test_description='the borders between the parts are where the design has them'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

libs=$BUILDDIR/lib/.libs

# nothing COMMAND...: prints nothing. A grep that cannot read what it is given fails too.
nothing() {
	"$@" >found
	[ $? -le 1 ] && test_must_be_empty found
}

one_file() {
	grep -rlE "#[[:space:]]*include[[:space:]]*[<\"]$1[>\"]" "$SRCDIR"/lib "$SRCDIR"/plugin \
		"$SRCDIR"/tools --include='*.[ch]' >found
	cat found
	test "$(wc -l <found)" -eq 1
}

needed() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'
}

test_expect_success 'only lib/discover names /sys or /proc/driver' '
	nothing grep -rnE "\"(/sys|/proc/driver)" "$SRCDIR"/lib/base "$SRCDIR"/lib/policy \
		"$SRCDIR"/lib/place "$SRCDIR"/lib/ledger "$SRCDIR"/lib/agent "$SRCDIR"/plugin \
		"$SRCDIR"/tools --include="*.[ch]"
'

test_expect_success 'one file includes hwloc.h, one hsakmt.h, one curses.h' '
	one_file "hwloc\.h" &&
	one_file "(hsakmt/)?hsakmt\.h" &&
	one_file "curses\.h"
'

test_expect_success 'lib includes nothing of Slurm' '
	nothing grep -rnE "#[[:space:]]*include.*slurm" "$SRCDIR"/lib --include="*.[ch]"
'

test_expect_success 'gpumem.h alone includes gpumem_job.h' '
	grep -rlE "#[[:space:]]*include[[:space:]]*[<\"]gpumem_job\.h" "$SRCDIR"/lib "$SRCDIR"/plugin \
		"$SRCDIR"/tools "$SRCDIR"/tests "$SRCDIR"/etc --include="*.[ch]" >found &&
	echo "$SRCDIR/lib/gpumem.h" >expected &&
	test_cmp expected found
'

test_expect_success 'plugin and tools include gpumem.h alone of lib' '
	nothing grep -rnE "#[[:space:]]*include \"(agent|base|discover|engine|ledger|place|policy)/" \
		"$SRCDIR"/plugin "$SRCDIR"/tools --include="*.[ch]"
'

# What a pure file may call: functions of ISO C that touch memory alone, and our own.
test_expect_success 'policy and decide.c call no system call' '
	for source in "$SRCDIR"/lib/policy/*.c "$SRCDIR"/lib/agent/decide.c; do
		name=$(basename "$source" .c) &&
		object=$(find "$BUILDDIR"/lib/policy "$BUILDDIR"/lib/agent -name "*-$name.o" -o \
			-name "$name.o" | head -n 1) &&
		test -n "$object" && nm -u "$object" || return 1
	done >undefined &&
	grep -q gm_err_at undefined &&
	nothing grep -wE "open|openat|fopen|read|pread64|write|close|ioctl|syscall|mmap|stat|getenv|\
clock_gettime|time|gettimeofday|getpid|getuid|printf|puts|opendir|readlink" undefined
'

# The engine's memory is shared and anonymous; else it is as pure.
test_expect_success 'engine maps memory and calls nothing else of the system' '
	for source in "$SRCDIR"/lib/engine/*.c; do
		name=$(basename "$source" .c) &&
		object=$(find "$BUILDDIR"/lib/engine -name "*-$name.o" -o -name "$name.o" |
			head -n 1) &&
		test -n "$object" && nm -u "$object" || return 1
	done >undefined &&
	grep -q mmap undefined &&
	sed -n "s/^ *U //p" undefined | sort -u >called &&
	nothing grep -vE "^(gm_[a-z_]*|mmap(64)?|munmap|mem(cpy|move|set)|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__udivti3\
|__(asan|ubsan|tsan)_.*)\$" called
'

test_expect_success 'the library shows gpumem_ alone' '
	nm -D --defined-only "$libs"/libgpumem.so | grep -v " A " >symbols &&
	test -s symbols &&
	nothing grep -v " gpumem_" symbols
'

test_expect_success 'the agent shows what others look for and no more' '
	nm -D --defined-only "$libs"/libgpumem-agent.so | sed "s/.* //" | sort >symbols &&
	cat >expected <<-\EOF &&
	OnLoad
	OnUnload
	execl
	execle
	execlp
	execv
	execve
	execvp
	execvpe
	fexecve
	gpumem_agent_offer_v1
	gpumem_agent_stand_down
	hsa_init
	posix_spawn
	posix_spawnp
	setns
	unshare
	EOF
	test_cmp expected symbols
'

test_expect_success 'the plugin shows what Slurm looks for and no more' '
	plugin=$BUILDDIR/plugin/.libs/spank_gpumem.so &&
	{ test ! -e "$plugin" || {
		nm -D --defined-only "$plugin" | sed "s/.* //" >symbols &&
		grep -q plugin_name symbols &&
		nothing grep -vE "^(plugin_(name|type|version)|spank_plugin_version|slurm_spank_[a-z_]*)\$" symbols
	}; }
'

if ldd "$libs/libgpumem.so" | grep -q 'lib[atu][a-z]*san'; then
	say "a sanitizer's libraries are needed too: not looked at"
else
	test_set_prereq PLAIN
fi

test_expect_success PLAIN 'the plugin needs libgpumem and libc, the agent libc' '
	echo libc.so.6 >expected &&
	needed "$libs"/libgpumem-agent.so >found && test_cmp expected found &&
	needed "$libs"/libgpumem.so >found && test_cmp expected found &&
	plugin=$BUILDDIR/plugin/.libs/spank_gpumem.so &&
	{ test ! -e "$plugin" || {
		needed "$plugin" >found &&
		printf "libgpumem.so.0\nlibc.so.6\n" >expected &&
		test_cmp expected found
	}; }
'

test_expect_success 'the agent stays when it is unloaded' '
	readelf -d "$libs"/libgpumem-agent.so | grep -q NODELETE
'

sources() {
	find "$SRCDIR"/lib "$SRCDIR"/plugin "$SRCDIR"/tools "$SRCDIR"/tests "$SRCDIR"/etc \
		-name '*.[ch]' ! -name '*.mod.c'
}

test_expect_success 'no source is longer than 600 lines' '
	for file in $(sources); do
		test "$(wc -l <"$file")" -le 600 || echo "$file"
	done >found &&
	test_must_be_empty found
'

test_expect_success 'every source begins with its licence' '
	for file in $(sources) "$SRCDIR"/tests/t/*.t; do
		head -n 2 "$file" | grep -q "SPDX-License-Identifier: " || echo "$file"
	done >found &&
	test_must_be_empty found
'

test_done
