// SPDX-License-Identifier: MIT
/* Listening sockets: text to sockaddr by getaddrinfo, the check for loopback, bind and listen. */
#include "http/address.h"

#include "base/alloc.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 512, HOST_SIZE = 256 };

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return false;
}

/* "host:port" or "[host]:port" into its two parts */
static tb_status split_host(const char *text, char host[HOST_SIZE], const char **port, tb_error *err)
{
    tb_status status = TB_OK;
    const char *colon = strrchr(text, ':');
    const char *start = text, *end = colon;
    int64_t number = 0;
    if (!colon) TB_FAIL(err, TB_INVALID, "\"%s\" is not an address to listen on: write 127.0.0.1:8080 or [::1]:8080", text);
    if (text[0] == '[') {
        start = text + 1;
        end = strchr(text, ']');
        if (!end || end + 1 != colon)
            TB_FAIL(err, TB_INVALID, "\"%s\" is not an address to listen on: write an IPv6 address as [::1]:8080", text);
    } else if (memchr(text, ':', (size_t)(colon - text))) {
        TB_FAIL(err, TB_INVALID, "\"%s\" is not clear: write an IPv6 address in brackets, as [::1]:8080", text);
    }
    const size_t size = (size_t)(end - start);
    if (size == 0 || size >= HOST_SIZE)
        TB_FAIL(err, TB_INVALID, "\"%s\" names no host: write 127.0.0.1:8080 for this machine alone", text);
    if (tb_parse_int(colon + 1, 0, 65535, &number) != TB_OK)
        TB_FAIL(err, TB_INVALID, "\"%s\" has no port from 0 to 65535 behind the last colon", text);
    memcpy(host, start, size);
    host[size] = '\0';
    *port = colon + 1;
out:
    return status;
}

static void format_address(int fd, char out[TB_ADDRESS_SIZE])
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[64], port[8];
    memset(&bound, 0, sizeof bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0 ||
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(out, TB_ADDRESS_SIZE, "unknown");
        return;
    }
    snprintf(out, TB_ADDRESS_SIZE, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* *found: freed with freeaddrinfo */
static tb_status resolve(const char *text, bool allow_remote, struct addrinfo **found, tb_error *err)
{
    tb_status status = TB_OK;
    char host[HOST_SIZE];
    const char *port = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *made = NULL;
    TB_TRY(split_host(text, host, &port, err));
    int failure = getaddrinfo(host, port, &hints, &made);
    /* RFC 6761: localhost is this machine, also where no file of hosts says so */
    if (failure != 0 && tb_text_equal_nocase(host, "localhost")) failure = getaddrinfo("127.0.0.1", port, &hints, &made);
    if (failure != 0) TB_FAIL(err, TB_NOT_FOUND, "cannot listen on %s: %s", text, gai_strerror(failure));
    if (!allow_remote && !is_loopback(made->ai_addr))
        TB_FAIL(err, TB_INVALID,
                "%s can be reached from other machines, and nobody has to log in yet: listen on 127.0.0.1, put a "
                "proxy with a login in front, or say --insecure-listen if everyone there may read and change all",
                text);
    *found = made;
    made = NULL;
out:
    if (made) freeaddrinfo(made);
    return status;
}

tb_status tb_listener_open(const char *text, bool allow_remote, tb_listener *listener, tb_error *err)
{
    tb_status status = TB_OK;
    struct addrinfo *found = NULL;
    int fd = -1;
    const int on = 1;

    TB_TRY(resolve(text, allow_remote, &found, err));
    fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        status = tb_error_errno(err, errno, "cannot listen on %s", text);
        goto out;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (found->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        if (errno == EADDRINUSE) TB_FAIL(err, TB_EXISTS, "cannot listen on %s: another program has that port", text);
        status = tb_error_errno(err, errno, "cannot listen on %s", text);
        goto out;
    }
    format_address(fd, listener->address);
    listener->loopback = is_loopback(found->ai_addr);
    listener->fd = fd;
    fd = -1;
out:
    if (fd >= 0) close(fd);
    if (found) freeaddrinfo(found);
    return status;
}

void tb_listener_close(tb_listener *listener)
{
    if (listener->fd >= 0) close(listener->fd);
    listener->fd = -1;
}

tb_status tb_address_split(const char *list, char *parts[TB_ADDRESS_LIMIT], size_t *n, tb_error *err)
{
    tb_status status = TB_OK;
    char *made[TB_ADDRESS_LIMIT] = {NULL};
    size_t n_made = 0;
    const char *at = list;
    for (;;) {
        at += strspn(at, " \t");
        const char *comma = strchr(at, ',');
        size_t size = comma ? (size_t)(comma - at) : strlen(at);
        while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t')) size--;
        if (size == 0) TB_FAIL(err, TB_INVALID, "an address to listen on is empty in \"%s\"", list);
        if (n_made == TB_ADDRESS_LIMIT)
            TB_FAIL(err, TB_INVALID, "more than %d addresses to listen on", TB_ADDRESS_LIMIT);
        made[n_made] = tb_alloc(size + 1, 1);
        if (!made[n_made]) TB_FAIL(err, TB_NO_MEMORY, "no memory for an address");
        memcpy(made[n_made++], at, size);
        if (!comma) break;
        at = comma + 1;
    }
    for (size_t i = 0; i < n_made; i++) {
        parts[i] = made[i];
        made[i] = NULL;
    }
    *n = n_made;
out:
    for (size_t i = 0; i < TB_ADDRESS_LIMIT; i++) tb_free(made[i]);
    return status;
}

tb_status tb_address_check(const char *list, bool allow_remote, tb_error *err)
{
    tb_status status = TB_OK;
    char *parts[TB_ADDRESS_LIMIT] = {NULL};
    size_t n = 0;
    TB_TRY(tb_address_split(list, parts, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct addrinfo *found = NULL;
        TB_TRY(resolve(parts[i], allow_remote, &found, err));
        freeaddrinfo(found);
    }
out:
    for (size_t i = 0; i < TB_ADDRESS_LIMIT; i++) tb_free(parts[i]);
    return status;
}
