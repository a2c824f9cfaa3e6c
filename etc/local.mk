# SPDX-License-Identifier: MIT
# Examples, for the administrator to copy.
exampledir = $(docdir)/examples
dist_example_DATA = etc/gpumem.conf.example etc/plugstack.conf.example
