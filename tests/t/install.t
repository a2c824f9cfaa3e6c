#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='what make install puts where, and what a program can build from it'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

# libtool cannot install below a folder with a blank in its name, as the scratch folder is.
root=$BUILDDIR/tests/t/install-root
rm -rf "$root"

[ -z "$SAN_CFLAGS" ] && test_set_prereq PLAIN
[ -e "$BUILDDIR/tools/gpumem" ] && test_set_prereq TOOLS
[ -e "$BUILDDIR/plugin/spank_gpumem.la" ] && test_set_prereq PLUGIN
[ -e "$BUILDDIR/lib/gpumem-locality.la" ] && test_set_prereq LOCALITY
command -v readelf >/dev/null && command -v nm >/dev/null && test_set_prereq BINUTILS
command -v pkg-config >/dev/null && test_set_prereq PKGCONFIG

test_expect_success 'make install' '
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -C "$BUILDDIR" install DESTDIR="$root" >log 2>&1 || { cat log; return 1; }
	pc=$(find "$root" -name gpumem.pc) &&
	test -n "$pc" &&
	lib=${pc%/pkgconfig/gpumem.pc} &&
	prefix=${lib%/*}
'

test_expect_success 'the library, its headers, the agent' '
	ls "$lib"/libgpumem.so.0 "$lib"/libgpumem.so "$lib"/gpumem/libgpumem-agent.so \
		"$prefix"/include/gpumem.h "$prefix"/include/gpumem_job.h
'
test_expect_success LOCALITY 'the locality module' 'ls "$lib"/gpumem/gpumem-locality.so'
test_expect_success PLUGIN 'the plugin' 'find "$root" -name spank_gpumem.so | grep /slurm/'
test_expect_success TOOLS 'the command' 'ls "$prefix"/bin/gpumem'
test_expect_success 'pages, examples, completion' '
	for page in man1/gpumem.1 man5/gpumem.conf.5 man7/gpumem.7 man8/spank_gpumem.8; do
		ls "$prefix"/share/man/$page || return 1
	done &&
	for file in gpumem.conf.example plugstack.conf.example prefetch.c; do
		ls "$prefix"/share/doc/gpumem/examples/$file || return 1
	done &&
	ls "$prefix"/share/bash-completion/completions/gpumem
'
test_expect_success 'no notes of libtool beside modules' '
	find "$root" -name "*.la" ! -name libgpumem.la >found &&
	test_must_be_empty found
'

test_expect_success BINUTILS,PLAIN 'the library shows gpumem_* only' '
	nm -D --defined-only "$lib"/libgpumem.so | sed "s/.* //; s/@.*//" |
		grep -v "^gpumem_\|^GPUMEM_" >others
	test_must_be_empty others
'
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort; }
test_expect_success BINUTILS,PLAIN 'the library and the agent need libc alone' '
	for file in "$lib"/libgpumem.so "$lib"/gpumem/libgpumem-agent.so; do
		needed "$file" | grep -v "^ld-linux" >list &&
		echo libc.so.6 >expected &&
		test_cmp expected list || return 1
	done
'
test_expect_success BINUTILS,PLAIN,PLUGIN 'the plugin needs libgpumem and libc alone' '
	needed "$(find "$root" -name spank_gpumem.so)" >list &&
	printf "libc.so.6\nlibgpumem.so.0\n" >expected &&
	test_cmp expected list
'

test_expect_success PKGCONFIG 'the example builds with pkg-config' '
	flags=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$lib/pkgconfig \
		pkg-config --cflags --libs gpumem) &&
	eval "set -- $flags" &&
	$CC $SAN_CFLAGS "$prefix"/share/doc/gpumem/examples/prefetch.c -o prefetch "$@"
'
test_expect_success PKGCONFIG 'and runs, or says that there is no device' '
	LD_LIBRARY_PATH=$lib ./prefetch >out 2>err || grep "^attach: no coherent device" err
'

test_expect_success 'make uninstall leaves nothing' '
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -C "$BUILDDIR" uninstall DESTDIR="$root" >log 2>&1 || { cat log; return 1; }
	find "$root" ! -type d >left &&
	test_must_be_empty left
'

rm -rf "$root"
test_done
