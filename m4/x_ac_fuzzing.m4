# SPDX-License-Identifier: MIT
# X_AC_FUZZING: --enable-fuzzing builds tests/fuzz with clang's libFuzzer instead of the replay main().
AC_DEFUN([X_AC_FUZZING], [
  AC_ARG_ENABLE([fuzzing],
    [AS_HELP_STRING([--enable-fuzzing], [link the fuzz programs with libFuzzer (needs clang)])],
    [], [enable_fuzzing=no])
  x_ac_fuzzing="replay of the corpus"
  AS_IF([test "x$enable_fuzzing" = xyes], [
    x_ac_fuzzing="libFuzzer"
    FUZZ_CFLAGS="-fsanitize=fuzzer"
    AC_DEFINE([FUZZING], [1], [the fuzz programs get their main() from libFuzzer])
  ])
  AC_SUBST([FUZZ_CFLAGS])
])
