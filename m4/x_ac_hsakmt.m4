# SPDX-License-Identifier: MIT
# X_AC_HSAKMT: the header of libhsakmt; the library itself is opened at run time, where it is installed.
# Its pkg-config file names a folder that does not exist, so the header is looked for directly.
AC_DEFUN([X_AC_HSAKMT], [
  AC_ARG_WITH([hsakmt],
    [AS_HELP_STRING([--with-hsakmt=dlopen|no],
      [move pages through libhsakmt in processes without ROCr (default: dlopen where found)])],
    [], [with_hsakmt=check])
  x_ac_hsakmt=no
  AS_IF([test "x$with_hsakmt" != xno], [
    AC_CHECK_HEADERS([hsakmt/hsakmt.h hsakmt.h], [x_ac_hsakmt=dlopen; break])
    AS_IF([test "x$x_ac_hsakmt" = xno && test "x$with_hsakmt" != xcheck],
      [AC_MSG_ERROR([hsakmt.h not found])])
  ])
  AS_IF([test "x$x_ac_hsakmt" != xno], [AC_DEFINE([HAVE_HSAKMT], [1], [libhsakmt can be used])])
  AM_CONDITIONAL([HAVE_HSAKMT], [test "x$x_ac_hsakmt" != xno])
])
