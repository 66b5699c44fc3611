// SPDX-License-Identifier: MIT
/* Allocation: the one place that calls malloc and free.  Each request is counted, so that a test can let the
 * n-th one fail; the counters are relaxed atomics, they order nothing. */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

static atomic_size_t n_asked;
static atomic_size_t first_failing; /* 0: none */

/* Counts one request for n * size bytes; false when it has to fail.  *bytes: at least 1. */
static bool admit(size_t n, size_t size, size_t *bytes)
{
    const size_t asked = atomic_fetch_add_explicit(&n_asked, 1, memory_order_relaxed) + 1;
    const size_t failing = atomic_load_explicit(&first_failing, memory_order_relaxed);
    if (failing != 0 && asked >= failing) return false;
    if (!tb_mul_size(n, size, bytes) || *bytes > PTRDIFF_MAX - LINE_BYTES) return false;
    if (*bytes == 0) *bytes = 1;
    return true;
}

void *tb_alloc(size_t n, size_t size)
{
    size_t bytes;
    return admit(n, size, &bytes) ? calloc(1, bytes) : NULL;
}

void *tb_alloc_aligned(size_t n, size_t size)
{
    size_t bytes;
    if (!admit(n, size, &bytes)) return NULL;
    bytes = (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES; /* aligned_alloc wants whole lines */
    void *memory = aligned_alloc(LINE_BYTES, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void *tb_realloc(void *old, size_t n, size_t size)
{
    size_t bytes;
    return admit(n, size, &bytes) ? realloc(old, bytes) : NULL;
}

char *tb_strdup(const char *text)
{
    if (!text) return NULL;
    const size_t size = strlen(text) + 1;
    char *copy = tb_alloc(size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void tb_free(void *memory)
{
    free(memory);
}

bool tb_mul_size(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

size_t tb_alloc_fail_after(size_t n)
{
    const size_t asked = atomic_exchange(&n_asked, 0);
    atomic_store(&first_failing, n);
    return asked;
}
