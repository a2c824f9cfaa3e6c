# SPDX-License-Identifier: MIT
# X_AC_CMOCKA: unit tests.
AC_DEFUN([X_AC_CMOCKA], [
  AC_ARG_ENABLE([tests],
    [AS_HELP_STRING([--disable-tests], [do not build the test programs])],
    [], [enable_tests=yes])
  x_ac_cmocka=no
  AS_IF([test "x$enable_tests" != xno], [
    PKG_CHECK_MODULES([CMOCKA], [cmocka], [x_ac_cmocka=yes],
      [AC_MSG_WARN([cmocka not found: make check runs no unit test])])
  ])
  AM_CONDITIONAL([HAVE_CMOCKA], [test "x$x_ac_cmocka" = xyes])
])
