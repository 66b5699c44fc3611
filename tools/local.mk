# SPDX-License-Identifier: MIT

# Files built into the programs: src/<layer>/<name>.c is made from files of the source tree by
#	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(EMBED) SYMBOL $(FILES)) > $@-t && mv -f $@-t $@
# and listed in nodist_<library>_SOURCES and CLEANFILES.
EMBED = $(SHELL) tools/embed
EXTRA_DIST += tools/embed

# Checks of the source, run by `make check`; tests/tools/test-checks shows that each of them can fail.
if HAVE_PYTHON
dist_check_SCRIPTS += \
	tests/tools/test-checks \
	tests/tools/test-embed \
	tools/check-headers \
	tools/check-layers \
	tools/check-openapi \
	tools/check-single-use \
	tools/check-style
TESTS += $(dist_check_SCRIPTS)
endif
EXTRA_DIST += tools/tap.py

# Completion for bash finds a command by the name of the file.
bashcompletion_DATA = tools/completion/timbre
EXTRA_DIST += tools/completion/timbre tools/packages.sh
install-data-hook:
	cd $(DESTDIR)$(bashcompletiondir) && $(LN_S) -f timbre timbred
uninstall-hook:
	rm -f $(DESTDIR)$(bashcompletiondir)/timbred
