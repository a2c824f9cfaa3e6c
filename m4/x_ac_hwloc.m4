# SPDX-License-Identifier: MIT
# X_AC_HWLOC: locality and memory attributes; built as a module of its own so that nothing else loads hwloc.
AC_DEFUN([X_AC_HWLOC], [
  AC_ARG_WITH([hwloc],
    [AS_HELP_STRING([--without-hwloc], [no locality beyond what sysfs says])],
    [], [with_hwloc=check])
  x_ac_hwloc=no
  AS_IF([test "x$with_hwloc" != xno], [
    PKG_CHECK_MODULES([HWLOC], [hwloc >= 2.8], [x_ac_hwloc=yes], [
      AS_IF([test "x$with_hwloc" = xyes], [AC_MSG_ERROR([hwloc >= 2.8 not found])])
    ])
  ])
  AM_CONDITIONAL([HAVE_HWLOC], [test "x$x_ac_hwloc" = xyes])
])
