# SPDX-License-Identifier: MIT
# Examples, for the administrator to copy and the developer to start from.
exampledir = $(docdir)/examples
dist_example_DATA = etc/gpumem.conf.example etc/plugstack.conf.example etc/examples/prefetch.c

# Where bash-completion looks below the prefix that gpumem has.
completiondir = $(datadir)/bash-completion/completions
dist_completion_DATA = etc/completion/gpumem
