// SPDX-License-Identifier: MIT
/* A chunk: TB__CHUNK_SLOTS items, each part of their vectors in a block of its own.
 *
 * Slots are filled in order and never used twice.  What a slot holds is written once, before it is born, and
 * not changed again; only its death is set later.  A search at sequence number s sees a slot if birth <= s <
 * death.  Births do not fall within a chunk, so what a search sees is a run from slot 0 with holes.
 *
 * The writer stores birth, death, n_used and n_dead with the number of the change under way and publishes
 * that number last (release); a search loads it first (acquire).  What belongs to a number <= s is therefore
 * there, and of later ones no value can make a slot look alive or dead by mistake.
 *
 * A reader that finds n_dead == 0 needs to look at no death.  lowest_presence tells the same of presence, and
 * the range of groups lets a filter pass over the whole chunk. */
#ifndef TIMBRE_INDEX_CHUNK_H
#define TIMBRE_INDEX_CHUNK_H

#include "index/code.h"
#include "index/index.h"
#include "index/reclaim.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB__CHUNK_SLOTS = 1024, /* a power of two */
    TB__CHUNK_WORDS = TB__CHUNK_SLOTS / 64,
};

#define TB__NEVER UINT64_MAX
#define TB__NO_PLACE UINT32_MAX

/* A slot's name for maps and links: serial of the chunk * TB__CHUNK_SLOTS + slot + 1; 0 is none. */
typedef uint64_t tb__slot_ref;

typedef struct tb__chunk {
    tb__retired retired;
    atomic_size_t *n_bytes; /* borrowed; counts the memory of chunks */
    size_t own_bytes;
    uint64_t serial; /* counts up: chunks of a root are sorted by it */
    size_t n_parts;
    size_t strides[TB_INDEX_MAX_PARTS]; /* floats from one vector to the next: the dim, up to whole lines */
    _Atomic uint32_t n_used;
    _Atomic uint32_t n_dead;
    _Atomic uint64_t *births; /* [slots] TB__NEVER until filled */
    _Atomic uint64_t *deaths; /* [slots] TB__NEVER while alive */
    uint64_t *labels;         /* [slots] */
    uint32_t *groups;         /* [slots] */
    _Atomic uint32_t lowest_group, highest_group; /* of all slots ever filled; lowest > highest: none */
    float *presence[TB_INDEX_MAX_PARTS]; /* [slots] each */
    _Atomic float lowest_presence[TB_INDEX_MAX_PARTS];
    float *vectors[TB_INDEX_MAX_PARTS]; /* [slots][stride] each, on 64-byte lines, zeros behind the dim */
    tb__codes codes[TB_INDEX_MAX_PARTS]; /* of parts with TB__CODE_MIN_DIM dimensions or more */
    struct tb__hnsw_block *blocks[TB_INDEX_MAX_PARTS]; /* links of the graphs (hnsw.h); all or none */
    _Atomic uint32_t place; /* in the graphs' directory; TB__NO_PLACE until linked */
    /* The writer's alone: live items of a group are a doubly linked list. */
    tb__slot_ref *group_next, *group_previous; /* [slots] */
} tb__chunk;

/* NULL without memory. */
tb__chunk *tb__chunk_new(const tb_index_layout *layout, uint64_t serial, atomic_size_t *n_bytes);
/* Accepts NULL. */
void tb__chunk_free(tb__chunk *chunk);

/* Fills the next slot, which exists, and returns it; born in `sequence`. */
uint32_t tb__chunk_append(tb__chunk *chunk, const tb_index_layout *layout, const tb_index_item *item,
                          uint64_t sequence);
/* As tb__chunk_append with a copy of a slot of another chunk. */
uint32_t tb__chunk_append_copy(tb__chunk *chunk, const tb__chunk *from, uint32_t from_slot,
                               uint64_t sequence);
/* Copies one item out; each output may be NULL. */
void tb__chunk_read(const tb__chunk *chunk, const tb_index_layout *layout, uint32_t slot, float *vector,
                    float *presence);
/* Bits of the slots that are alive at `sequence`; returns how many of the first slots cover them. */
uint32_t tb__chunk_alive(const tb__chunk *chunk, uint64_t sequence, uint64_t bits[TB__CHUNK_WORDS]);

static inline const float *tb__chunk_vector(const tb__chunk *chunk, size_t part, uint32_t slot)
{
    return chunk->vectors[part] + (size_t)slot * chunk->strides[part];
}

static inline bool tb__chunk_is_dead(const tb__chunk *chunk, uint32_t slot)
{
    return atomic_load_explicit(&chunk->deaths[slot], memory_order_relaxed) != TB__NEVER;
}

#endif
