// SPDX-License-Identifier: MIT
/* Hash map with lock-free lookups.  A place is published by its value: the key is written first. */
#include "index/label_map.h"

#include "base/alloc.h"

#include <assert.h>

/* A place's value: never used, or removed, or the map's value + 1. */
enum { UNUSED = 0, REMOVED = 1, MIN_PLACES = 16 };

typedef struct map_place {
    _Atomic uint64_t key;
    _Atomic uint64_t value;
} map_place;

struct tb__map_table {
    tb__retired retired;
    atomic_size_t *n_bytes;
    size_t n_places; /* a power of two */
    map_place places[];
};

static size_t table_bytes(size_t n_places)
{
    return sizeof(tb__map_table) + n_places * sizeof(map_place);
}

static void free_table(tb__retired *object)
{
    tb__map_table *table = (tb__map_table *)object;
    atomic_fetch_sub(table->n_bytes, table_bytes(table->n_places));
    tb_free(table);
}

static tb__map_table *new_table(tb__map *map, size_t n_places)
{
    size_t size;
    if (!tb_mul_size(n_places, sizeof(map_place), &size) || size > SIZE_MAX / 2) return NULL;
    tb__map_table *table = tb_alloc(1, table_bytes(n_places));
    if (!table) return NULL;
    table->retired.free = free_table;
    table->n_bytes = map->n_bytes;
    table->n_places = n_places;
    atomic_fetch_add(map->n_bytes, table_bytes(n_places));
    return table;
}

/* The finalizer of SplitMix64: spreads keys that are counted up. */
static uint64_t hash(uint64_t key)
{
    key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
    return key ^ (key >> 31);
}

/* The place of the key, or the unused one where it would go.  There always is an unused one. */
static map_place *find_place(tb__map_table *table, uint64_t key)
{
    const size_t mask = table->n_places - 1;
    for (size_t i = (size_t)hash(key) & mask;; i = (i + 1) & mask) {
        map_place *place = &table->places[i];
        if (atomic_load_explicit(&place->value, memory_order_acquire) == UNUSED ||
            atomic_load_explicit(&place->key, memory_order_relaxed) == key) {
            return place;
        }
    }
}

static void set_place(map_place *place, uint64_t key, uint64_t value)
{
    atomic_store_explicit(&place->key, key, memory_order_relaxed);
    atomic_store_explicit(&place->value, value, memory_order_release);
}

/* A new table with the live places, and room for n_more. */
static bool rebuild(tb__map *map, size_t n_more)
{
    size_t wanted;
    if (map->n_live > SIZE_MAX / 4 || n_more > SIZE_MAX / 4) return false;
    if (!tb_mul_size(map->n_live + n_more, 2, &wanted)) return false;
    size_t n_places = MIN_PLACES;
    while (n_places < wanted) {
        if (n_places > SIZE_MAX / 4) return false;
        n_places *= 2;
    }
    tb__map_table *table = new_table(map, n_places);
    if (!table) return false;
    tb__map_table *old = atomic_load(&map->table);
    for (size_t i = 0; old && i < old->n_places; i++) {
        const uint64_t value = atomic_load_explicit(&old->places[i].value, memory_order_relaxed);
        if (value == UNUSED || value == REMOVED) continue;
        const uint64_t key = atomic_load_explicit(&old->places[i].key, memory_order_relaxed);
        set_place(find_place(table, key), key, value);
    }
    map->n_used = map->n_live;
    atomic_store(&map->table, table);
    if (old) tb__reclaim_retire(map->reclaim, &old->retired);
    return true;
}

void tb__map_init(tb__map *map, tb__reclaim *reclaim, atomic_size_t *n_bytes)
{
    atomic_init(&map->table, NULL);
    map->reclaim = reclaim;
    map->n_bytes = n_bytes;
    map->n_live = map->n_used = 0;
}

void tb__map_clear(tb__map *map)
{
    tb__map_table *table = atomic_load(&map->table);
    if (table) free_table(&table->retired);
    atomic_store(&map->table, NULL);
    map->n_live = map->n_used = 0;
}

bool tb__map_reserve(tb__map *map, size_t n)
{
    const tb__map_table *table = atomic_load_explicit(&map->table, memory_order_relaxed);
    if (table) {
        const size_t room = table->n_places / 4 * 3;
        if (map->n_used <= room && n <= room - map->n_used) return true;
    }
    return rebuild(map, n);
}

void tb__map_put(tb__map *map, uint64_t key, uint64_t value)
{
    assert(value != TB__MAP_NONE && value <= TB__MAP_MAX_VALUE);
    map_place *place = find_place(atomic_load_explicit(&map->table, memory_order_relaxed), key);
    const uint64_t before = atomic_load_explicit(&place->value, memory_order_relaxed);
    if (before == UNUSED) map->n_used++;
    if (before == UNUSED || before == REMOVED) map->n_live++;
    set_place(place, key, value + 1);
}

void tb__map_remove(tb__map *map, uint64_t key)
{
    tb__map_table *table = atomic_load_explicit(&map->table, memory_order_relaxed);
    if (!table) return;
    map_place *place = find_place(table, key);
    const uint64_t before = atomic_load_explicit(&place->value, memory_order_relaxed);
    if (before == UNUSED || before == REMOVED) return;
    atomic_store_explicit(&place->value, REMOVED, memory_order_release);
    map->n_live--;
}

void tb__map_trim(tb__map *map)
{
    const tb__map_table *table = atomic_load_explicit(&map->table, memory_order_relaxed);
    if (!table || table->n_places == MIN_PLACES || map->n_live >= table->n_places / 8) return;
    (void)rebuild(map, map->n_live / 2); /* without memory for the smaller table the large one stays */
}

uint64_t tb__map_get(const tb__map *map, uint64_t key)
{
    tb__map_table *table = atomic_load(&map->table);
    if (!table) return TB__MAP_NONE;
    const uint64_t value = atomic_load_explicit(&find_place(table, key)->value, memory_order_acquire);
    return value == UNUSED || value == REMOVED ? TB__MAP_NONE : value - 1;
}
