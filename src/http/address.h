// SPDX-License-Identifier: MIT
/* Addresses to listen on, as text and as sockets.  Threads: any. */
#ifndef TIMBRE_HTTP_ADDRESS_H
#define TIMBRE_HTTP_ADDRESS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* "[" 8 groups "%interface]:65535" and a zero */
enum { TB_ADDRESS_SIZE = 80, TB_ADDRESS_LIMIT = 8 };

/* One socket that listens. */
typedef struct tb_listener {
    int fd; /* -1 = none; owned */
    char address[TB_ADDRESS_SIZE]; /* as bound: "127.0.0.1:41234", "[::1]:8080" */
    bool loopback; /* only this machine reaches it */
} tb_listener;

/* Binds and listens.  text: "host:port" or "[ipv6]:port"; the host is a number or a name, port 0 takes a free one.
 * allow_remote: addresses beyond loopback are fine.
 * TB_INVALID: not an address, or one beyond loopback that is not allowed; TB_EXISTS: the port is taken;
 * TB_FORBIDDEN: the port needs more rights; TB_NOT_FOUND: nobody knows the name. */
tb_status tb_listener_open(const char *text, bool allow_remote, tb_listener *listener, tb_error *err) TB_MUST_CHECK;
/* Safe on a listener whose fd is -1. */
void tb_listener_close(tb_listener *listener);

/* Whether each address of a list is one and is allowed, without binding.  Errors as in tb_listener_open. */
tb_status tb_address_check(const char *list, bool allow_remote, tb_error *err) TB_MUST_CHECK;

/* Splits "a, b ,c" into copies without blanks; n at most TB_ADDRESS_LIMIT.  TB_INVALID: none, an empty one, or
 * too many.  Each of *parts is freed with tb_free. */
tb_status tb_address_split(const char *list, char *parts[TB_ADDRESS_LIMIT], size_t *n, tb_error *err) TB_MUST_CHECK;

#endif
