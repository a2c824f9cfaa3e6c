# SPDX-License-Identifier: MIT
# X_AC_KFD: the kernel's own KFD header with the SVM ioctl (linux-libc-dev 5.17 or newer).
AC_DEFUN([X_AC_KFD], [
  save_CPPFLAGS="$CPPFLAGS"
  CPPFLAGS="$CPPFLAGS -idirafter $srcdir/lib/compat"
  AC_CHECK_DECL([AMDKFD_IOC_SVM], [],
    [AC_MSG_ERROR([<linux/kfd_ioctl.h> has no AMDKFD_IOC_SVM: install linux-libc-dev])],
    [[#include <stdint.h>
#include <linux/kfd_ioctl.h>]])
  CPPFLAGS="$save_CPPFLAGS"
])
