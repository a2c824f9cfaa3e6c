# SPDX-License-Identifier: MIT
# X_AC_NUMA: libnuma, the second pair of eyes of the residency tests.
AC_DEFUN([X_AC_NUMA], [
  AC_ARG_WITH([numa], [AS_HELP_STRING([--without-numa], [do without libnuma])], [], [with_numa=check])
  x_ac_numa=no
  AS_IF([test "x$with_numa" != xno], [
    PKG_CHECK_MODULES([NUMA], [numa], [x_ac_numa=yes], [
      AS_IF([test "x$with_numa" = xyes], [AC_MSG_ERROR([libnuma not found])])
    ])
  ])
  AM_CONDITIONAL([HAVE_NUMA], [test "x$x_ac_numa" = xyes])
])
