// SPDX-License-Identifier: MIT
#include "daemon/notify.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

void tb_notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void tb_notify_stopping(const char *status)
{
    sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

#else

void tb_notify_ready(const char *status)
{
    (void)status;
}

void tb_notify_stopping(const char *status)
{
    (void)status;
}

#endif
