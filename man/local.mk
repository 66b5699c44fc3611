# SPDX-License-Identifier: MIT
dist_man_MANS += \
	man/timbre.1 \
	man/timbred.8
