// SPDX-License-Identifier: MIT
/* Allocation with checked sizes.  All memory of the project comes from here, so that tests can make
 * each allocation fail in turn.  Threads: any. */
#ifndef TIMBRE_BASE_ALLOC_H
#define TIMBRE_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* n * size bytes, zeroed; NULL when the product overflows or memory is used up.
 * n * size == 0 gives a pointer that may be freed and not be used. */
void *tb_alloc(size_t n, size_t size) __attribute__((malloc));
/* As tb_alloc, the start on a 64-byte line (for SIMD).  Freed with tb_free. */
void *tb_alloc_aligned(size_t n, size_t size) __attribute__((malloc));
/* Grows or shrinks memory from tb_alloc (not from tb_alloc_aligned) to n * size bytes; new bytes are not
 * cleared.  NULL on failure, then the old block stays as it was. */
void *tb_realloc(void *old, size_t n, size_t size);
/* Copy of a string; NULL for NULL or without memory. */
char *tb_strdup(const char *text);
/* Accepts NULL. */
void tb_free(void *memory);

/* *product = a * b; false on overflow. */
bool tb_mul_size(size_t a, size_t b, size_t *product);

/* Tests only: the n-th allocation from now on (1 = the next) and every one after it fail; 0 switches it
 * off.  Returns how many allocations were asked for since the last call. */
size_t tb_alloc_fail_after(size_t n);

#endif
