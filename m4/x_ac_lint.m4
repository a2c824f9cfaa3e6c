# SPDX-License-Identifier: MIT
# X_AC_LINT: what make check uses to read pages and scripts.
AC_DEFUN([X_AC_LINT], [
  AC_CHECK_PROG([MANDOC], [mandoc], [mandoc], [no])
  x_ac_mandoc="$MANDOC"
])
