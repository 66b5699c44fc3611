// SPDX-License-Identifier: MIT
/* The two transports behind tb_client. */
#ifndef TIMBRE_CLI_CLIENT_INTERNAL_H
#define TIMBRE_CLI_CLIENT_INTERNAL_H

#include "cli/client.h"

/* A reply as it came; bytes: a cleared or initialised buffer. */
typedef struct tb_raw_reply {
    long http_status;
    tb_buffer bytes;
} tb_raw_reply;

typedef struct tb_transport {
    tb_status (*call)(void *context, const tb_call *call, tb_raw_reply *reply, tb_error *err);
    void (*close)(void *context);
    void *context;
} tb_transport;

tb_status tb_transport_open_local(const tb_cli_options *options, tb_transport *transport, tb_error *err) TB_MUST_CHECK;
tb_status tb_transport_open_http(const char *url, tb_transport *transport, tb_error *err) TB_MUST_CHECK;

#endif
