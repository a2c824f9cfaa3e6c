# SPDX-License-Identifier: MIT
# X_AC_WARNINGS: the warnings every file is kept clean of; --enable-werror is for CI.
AC_DEFUN([X_AC_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
    [], [enable_werror=no])
  WARN_CFLAGS="-Wall -Wextra -Wshadow -Wvla -Walloca -Wmissing-prototypes -Wstrict-prototypes"
  WARN_CFLAGS="$WARN_CFLAGS -Wpointer-arith -Wtype-limits -Wundef -Wwrite-strings -Wformat=2"
  WARN_CFLAGS="$WARN_CFLAGS -Wno-missing-field-initializers"
  AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])
