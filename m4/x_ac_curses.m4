# SPDX-License-Identifier: MIT
# X_AC_CURSES: the full screen of gpumem top; without it top prints its view again and again.
AC_DEFUN([X_AC_CURSES], [
  AC_ARG_WITH([ncurses],
    [AS_HELP_STRING([--without-ncurses], [gpumem top without a full screen])],
    [], [with_ncurses=check])
  x_ac_curses=no
  AS_IF([test "x$with_ncurses" != xno && test "x$x_ac_smartcols" = xyes], [
    PKG_CHECK_MODULES([CURSES], [ncurses >= 6], [
      x_ac_curses=yes
      AC_DEFINE([HAVE_CURSES], [1], [Define if ncurses is there.])
    ], [
      AS_IF([test "x$with_ncurses" = xyes], [AC_MSG_ERROR([ncurses not found])])
    ])
  ])
])
