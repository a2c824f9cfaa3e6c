# SPDX-License-Identifier: MIT
# X_AC_SANITIZE: --enable-sanitizer=address|undefined|thread, or a comma list of them.
AC_DEFUN([X_AC_SANITIZE], [
  AC_ARG_ENABLE([sanitizer],
    [AS_HELP_STRING([--enable-sanitizer=LIST],
      [build with address, undefined or thread sanitizer])],
    [], [enable_sanitizer=no])
  x_ac_sanitizer="$enable_sanitizer"
  AS_IF([test "x$enable_sanitizer" = xyes], [enable_sanitizer=address])
  AS_IF([test "x$enable_sanitizer" != xno], [
    SAN_CFLAGS="-fsanitize=$enable_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=all -g"
    save_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS $SAN_CFLAGS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [],
      [AC_MSG_ERROR([the compiler cannot link with -fsanitize=$enable_sanitizer])])
    CFLAGS="$save_CFLAGS"
  ])
  AC_SUBST([SAN_CFLAGS])
  AM_CONDITIONAL([SANITIZED], [test "x$enable_sanitizer" != xno])
])
