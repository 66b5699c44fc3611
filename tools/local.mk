# SPDX-License-Identifier: MIT

# Files built into the programs: src/<layer>/<name>.c is made from files of the source tree by
#	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(EMBED) SYMBOL $(FILES)) > $@-t && mv -f $@-t $@
# and listed in nodist_<library>_SOURCES and CLEANFILES.
EMBED = $(SHELL) tools/embed
EXTRA_DIST += tools/embed
