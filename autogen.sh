#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes ./configure.  Run once after a checkout.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux m4
exec autoreconf --install --warnings=all,no-portability
