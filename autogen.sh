#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes configure from a git checkout. Needs autoconf, automake, libtool, pkg-config.
cd "$(dirname "$0")" && exec autoreconf --install --force
