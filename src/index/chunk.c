// SPDX-License-Identifier: MIT
/* A chunk's memory, filling and reading; who sees what is in the header. */
#include "index/chunk.h"

#include "base/alloc.h"
#include "index/hnsw.h"

#include <assert.h>
#include <string.h>

static void free_retired(tb__retired *object)
{
    tb__chunk_free((tb__chunk *)object);
}

/* Takes one array and counts it. */
static void *take(tb__chunk *chunk, size_t n, size_t size)
{
    void *memory = tb_alloc_aligned(n, size);
    if (!memory) return NULL;
    chunk->own_bytes += n * size;
    atomic_fetch_add(chunk->n_bytes, n * size);
    return memory;
}

static bool take_codes(tb__chunk *chunk, tb__codes *codes, size_t dim)
{
    codes->stride = tb__code_stride(dim);
    codes->values = take(chunk, TB__CHUNK_SLOTS, codes->stride);
    codes->terms = take(chunk, TB__CHUNK_SLOTS, sizeof *codes->terms);
    codes->errors = take(chunk, TB__CHUNK_SLOTS, sizeof *codes->errors);
    return codes->values && codes->terms && codes->errors;
}

tb__chunk *tb__chunk_new(const tb_index_layout *layout, uint64_t serial, atomic_size_t *n_bytes)
{
    tb__chunk *chunk = tb_alloc(1, sizeof *chunk);
    if (!chunk) return NULL;
    chunk->retired.free = free_retired;
    chunk->n_bytes = n_bytes;
    chunk->own_bytes = sizeof *chunk;
    atomic_fetch_add(n_bytes, sizeof *chunk);
    chunk->serial = serial;
    chunk->n_parts = layout->n_parts;
    atomic_init(&chunk->n_used, 0);
    atomic_init(&chunk->n_dead, 0);
    atomic_init(&chunk->place, TB__NO_PLACE);
    atomic_init(&chunk->lowest_group, UINT32_MAX);
    atomic_init(&chunk->highest_group, 0);
    chunk->births = take(chunk, TB__CHUNK_SLOTS, sizeof *chunk->births);
    chunk->deaths = take(chunk, TB__CHUNK_SLOTS, sizeof *chunk->deaths);
    chunk->labels = take(chunk, TB__CHUNK_SLOTS, sizeof *chunk->labels);
    chunk->groups = take(chunk, TB__CHUNK_SLOTS, sizeof *chunk->groups);
    chunk->group_next = take(chunk, TB__CHUNK_SLOTS, sizeof *chunk->group_next);
    chunk->group_previous = take(chunk, TB__CHUNK_SLOTS, sizeof *chunk->group_previous);
    if (!chunk->births || !chunk->deaths || !chunk->labels || !chunk->groups || !chunk->group_next ||
        !chunk->group_previous) {
        goto fail;
    }
    for (size_t i = 0; i < TB__CHUNK_SLOTS; i++) {
        atomic_init(&chunk->births[i], TB__NEVER);
        atomic_init(&chunk->deaths[i], TB__NEVER);
    }
    for (size_t c = 0; c < layout->n_parts; c++) {
        atomic_init(&chunk->lowest_presence[c], 1.0f);
        chunk->strides[c] = (layout->part_dims[c] + 15) / 16 * 16;
        chunk->presence[c] = take(chunk, TB__CHUNK_SLOTS, sizeof(float));
        chunk->vectors[c] = take(chunk, TB__CHUNK_SLOTS * chunk->strides[c], sizeof(float));
        if (!chunk->presence[c] || !chunk->vectors[c]) goto fail;
        if (layout->part_dims[c] >= TB__CODE_MIN_DIM &&
            !take_codes(chunk, &chunk->codes[c], layout->part_dims[c])) {
            goto fail;
        }
    }
    return chunk;
fail:
    tb__chunk_free(chunk);
    return NULL;
}

void tb__chunk_free(tb__chunk *chunk)
{
    if (!chunk) return;
    for (size_t c = 0; c < chunk->n_parts; c++) {
        tb_free(chunk->presence[c]);
        tb_free(chunk->vectors[c]);
        tb_free(chunk->codes[c].values);
        tb_free(chunk->codes[c].terms);
        tb_free(chunk->codes[c].errors);
        tb__hnsw_block_free(chunk->blocks[c]);
    }
    tb_free(chunk->births);
    tb_free(chunk->deaths);
    tb_free(chunk->labels);
    tb_free(chunk->groups);
    tb_free(chunk->group_next);
    tb_free(chunk->group_previous);
    atomic_fetch_sub(chunk->n_bytes, chunk->own_bytes);
    tb_free(chunk);
}

static uint32_t next_slot(const tb__chunk *chunk)
{
    const uint32_t slot = atomic_load_explicit(&chunk->n_used, memory_order_relaxed);
    assert(slot < TB__CHUNK_SLOTS);
    return slot;
}

static void write_part(tb__chunk *chunk, size_t c, uint32_t slot, const float *values, size_t n,
                       float presence)
{
    memcpy(chunk->vectors[c] + (size_t)slot * chunk->strides[c], values, n * sizeof *values);
    chunk->presence[c][slot] = presence;
    if (presence < atomic_load_explicit(&chunk->lowest_presence[c], memory_order_relaxed))
        atomic_store_explicit(&chunk->lowest_presence[c], presence, memory_order_relaxed);
}

/* The slot is whole: from here on it counts. */
static void bear(tb__chunk *chunk, uint32_t slot, uint64_t label, uint32_t group, uint64_t sequence)
{
    chunk->labels[slot] = label;
    chunk->groups[slot] = group;
    if (group < atomic_load_explicit(&chunk->lowest_group, memory_order_relaxed))
        atomic_store_explicit(&chunk->lowest_group, group, memory_order_relaxed);
    if (group > atomic_load_explicit(&chunk->highest_group, memory_order_relaxed))
        atomic_store_explicit(&chunk->highest_group, group, memory_order_relaxed);
    atomic_store_explicit(&chunk->births[slot], sequence, memory_order_relaxed);
    atomic_store_explicit(&chunk->n_used, slot + 1, memory_order_release);
}

uint32_t tb__chunk_append(tb__chunk *chunk, const tb_index_layout *layout, const tb_index_item *item,
                          uint64_t sequence)
{
    const uint32_t slot = next_slot(chunk);
    const float *values = item->vector;
    for (size_t c = 0; c < layout->n_parts; c++) {
        write_part(chunk, c, slot, values, layout->part_dims[c], item->presence ? item->presence[c] : 1.0f);
        if (chunk->codes[c].values) tb__code_encode(&chunk->codes[c], slot, values, layout->part_dims[c]);
        values += layout->part_dims[c];
    }
    bear(chunk, slot, item->label, item->group, sequence);
    return slot;
}

uint32_t tb__chunk_append_copy(tb__chunk *chunk, const tb__chunk *from, uint32_t from_slot, uint64_t sequence)
{
    const uint32_t slot = next_slot(chunk);
    for (size_t c = 0; c < chunk->n_parts; c++) {
        const float *values = tb__chunk_vector(from, c, from_slot);
        write_part(chunk, c, slot, values, chunk->strides[c], from->presence[c][from_slot]);
        if (chunk->codes[c].values) tb__code_copy(&chunk->codes[c], slot, &from->codes[c], from_slot);
    }
    bear(chunk, slot, from->labels[from_slot], from->groups[from_slot], sequence);
    return slot;
}

void tb__chunk_read(const tb__chunk *chunk, const tb_index_layout *layout, uint32_t slot, float *vector,
                    float *presence)
{
    for (size_t c = 0; c < layout->n_parts; c++) {
        if (vector) {
            memcpy(vector, tb__chunk_vector(chunk, c, slot), layout->part_dims[c] * sizeof *vector);
            vector += layout->part_dims[c];
        }
        if (presence) presence[c] = chunk->presence[c][slot];
    }
}

uint32_t tb__chunk_alive(const tb__chunk *chunk, uint64_t sequence, uint64_t bits[TB__CHUNK_WORDS])
{
    uint32_t n = atomic_load_explicit(&chunk->n_used, memory_order_acquire);
    while (n > 0 && atomic_load_explicit(&chunk->births[n - 1], memory_order_relaxed) > sequence) n--;
    for (uint32_t w = 0; w < TB__CHUNK_WORDS; w++) {
        const uint32_t first = w * 64;
        bits[w] = n >= first + 64 ? ~UINT64_C(0) : n > first ? (UINT64_C(1) << (n - first)) - 1 : 0;
    }
    if (atomic_load_explicit(&chunk->n_dead, memory_order_relaxed) == 0) return n;
    for (uint32_t i = 0; i < n; i++)
        if (atomic_load_explicit(&chunk->deaths[i], memory_order_relaxed) <= sequence)
            bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    return n;
}
