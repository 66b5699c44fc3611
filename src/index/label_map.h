// SPDX-License-Identifier: MIT
/* Hash map from a 64-bit key to a 64-bit value, looked up without locks while one thread changes it.
 *
 * Open addressing with linear probing.  A place keeps its key for the life of the table, so that a reader
 * never takes one key's value for another's: removing marks the place, and only the same key may use it
 * again.  When three quarters of the places were ever used, the live ones move to a new table and the old one
 * is retired (reclaim.h).
 *
 * Get: any thread that has entered `reclaim`, or the writer.  All others: one thread at a time. */
#ifndef TIMBRE_INDEX_LABEL_MAP_H
#define TIMBRE_INDEX_LABEL_MAP_H

#include "index/reclaim.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Not there"; no value that is put. */
#define TB__MAP_NONE UINT64_C(0)
/* Values are at most this. */
#define TB__MAP_MAX_VALUE (UINT64_MAX - 1)

typedef struct tb__map_table tb__map_table;

typedef struct tb__map {
    _Atomic(tb__map_table *) table; /* NULL while nothing was reserved */
    tb__reclaim *reclaim;           /* borrowed */
    atomic_size_t *n_bytes;         /* borrowed; counts the memory of tables */
    size_t n_live;
    size_t n_used; /* places with a key, live or removed */
} tb__map;

void tb__map_init(tb__map *map, tb__reclaim *reclaim, atomic_size_t *n_bytes);
/* Frees the table; no reader may be left. */
void tb__map_clear(tb__map *map);
/* Makes room, so that the next n puts cannot fail.  False without memory, then nothing is changed. */
bool tb__map_reserve(tb__map *map, size_t n);
/* Room was reserved.  value: not TB__MAP_NONE. */
void tb__map_put(tb__map *map, uint64_t key, uint64_t value);
void tb__map_remove(tb__map *map, uint64_t key);
/* Gives memory back if most of it is unused; room that was reserved may go. */
void tb__map_trim(tb__map *map);
uint64_t tb__map_get(const tb__map *map, uint64_t key);

#endif
