# SPDX-License-Identifier: MIT
# X_AC_SLURM: spank.h, and the folder of Slurm's plugins. Nothing of Slurm is linked.
AC_DEFUN([X_AC_SLURM], [
  AC_ARG_WITH([slurm],
    [AS_HELP_STRING([--with-slurm=DIR], [prefix of Slurm's headers; --without-slurm: no plugin])],
    [], [with_slurm=check])
  AC_ARG_WITH([slurm-plugindir],
    [AS_HELP_STRING([--with-slurm-plugindir=DIR],
      [where spank_gpumem.so goes (default: LIBDIR/slurm)])],
    [slurmplugindir="$withval"], [slurmplugindir='${libdir}/slurm'])
  x_ac_slurm=no
  AS_IF([test "x$with_slurm" != xno], [
    AS_IF([test "x$with_slurm" != xcheck && test "x$with_slurm" != xyes],
      [SLURM_CPPFLAGS="-I$with_slurm/include"])
    save_CPPFLAGS="$CPPFLAGS"
    CPPFLAGS="$CPPFLAGS $SLURM_CPPFLAGS"
    AC_CHECK_HEADER([slurm/spank.h], [x_ac_slurm=yes], [
      AS_IF([test "x$with_slurm" != xcheck], [AC_MSG_ERROR([slurm/spank.h not found])])
    ], [[#include <stdint.h>
#include <sys/types.h>]])
    CPPFLAGS="$save_CPPFLAGS"
  ])
  AC_SUBST([SLURM_CPPFLAGS])
  AC_SUBST([slurmplugindir])
  AM_CONDITIONAL([BUILD_PLUGIN], [test "x$x_ac_slurm" = xyes])
])
