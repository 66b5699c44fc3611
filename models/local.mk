# SPDX-License-Identifier: MIT
modelsdir = $(pkgdatadir)/models
dist_models_DATA = \
	models/descriptors.safetensors \
	models/instruments.safetensors
EXTRA_DIST += models/make-instruments
