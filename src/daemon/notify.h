// SPDX-License-Identifier: MIT
/* Word to systemd (sd_notify), where it is there; else nothing happens.  Threads: any. */
#ifndef TIMBRE_DAEMON_NOTIFY_H
#define TIMBRE_DAEMON_NOTIFY_H

void tb_notify_ready(const char *status);
void tb_notify_stopping(const char *status);

#endif
