# SPDX-License-Identifier: MIT
# X_AC_SMARTCOLS: tables and JSON of the gpumem command.
AC_DEFUN([X_AC_SMARTCOLS], [
  AC_ARG_WITH([tools],
    [AS_HELP_STRING([--without-tools], [do not build the gpumem command])],
    [], [with_tools=yes])
  x_ac_smartcols=no
  AS_IF([test "x$with_tools" != xno], [
    PKG_CHECK_MODULES([SMARTCOLS], [smartcols >= 2.36], [x_ac_smartcols=yes])
  ])
  AM_CONDITIONAL([BUILD_TOOLS], [test "x$x_ac_smartcols" = xyes])
])
