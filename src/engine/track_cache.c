// SPDX-License-Identifier: MIT
/* Direct-mapped: a track has one slot, by its number, and shares it with others; a second table leads from the hash of
 * an id to a number.  Locks are one per group of slots; nothing else is locked under them. */
#include "engine/track_cache.h"

#include "base/alloc.h"
#include "engine/engine_internal.h"

#include <string.h>

enum { N_LOCKS = 16 };

typedef struct slot {
    tb_track track; /* number 0: empty */
    uint64_t version;
} slot;

struct tb__track_cache {
    size_t mask;
    slot *slots;
    _Atomic int64_t *numbers; /* by hash of the id; 0: none */
    pthread_mutex_t locks[N_LOCKS];
};

/* FNV-1a */
static size_t hash_id(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *id; id++) hash = (hash ^ (unsigned char)*id) * 0x100000001b3u;
    return (size_t)(hash ^ (hash >> 32));
}

static pthread_mutex_t *lock_of(tb__track_cache *cache, int64_t number)
{
    return &cache->locks[(uint64_t)number % N_LOCKS];
}

static slot *slot_of(tb__track_cache *cache, int64_t number)
{
    return &cache->slots[(uint64_t)number & cache->mask];
}

tb_status tb__track_cache_new(size_t n_slots, tb__track_cache **cache, tb_error *err)
{
    tb_status status = TB_OK;
    tb__track_cache *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a cache of tracks");
    for (size_t i = 0; i < N_LOCKS; i++) pthread_mutex_init(&made->locks[i], NULL);
    made->mask = n_slots - 1;
    made->slots = tb_alloc(n_slots, sizeof *made->slots);
    made->numbers = tb_alloc(n_slots, sizeof *made->numbers);
    if (!made->slots || !made->numbers) TB_FAIL(err, TB_NO_MEMORY, "no memory for a cache of %zu tracks", n_slots);
    *cache = made;
    made = NULL;
out:
    tb__track_cache_free(made);
    return status;
}

void tb__track_cache_free(tb__track_cache *cache)
{
    if (!cache) return;
    for (size_t i = 0; cache->slots && i <= cache->mask; i++) tb_track_clear(&cache->slots[i].track);
    for (size_t i = 0; i < N_LOCKS; i++) pthread_mutex_destroy(&cache->locks[i]);
    tb_free(cache->slots);
    tb_free(cache->numbers);
    tb_free(cache);
}

bool tb__track_cache_get(tb__track_cache *cache, int64_t number, uint64_t version, tb_track *track)
{
    slot *s = slot_of(cache, number);
    pthread_mutex_lock(lock_of(cache, number));
    const bool found = s->track.number == number && s->version == version && tb__track_copy(&s->track, track);
    pthread_mutex_unlock(lock_of(cache, number));
    return found;
}

bool tb__track_cache_find(tb__track_cache *cache, const char *id, uint64_t version, int64_t *number)
{
    const int64_t known = atomic_load_explicit(&cache->numbers[hash_id(id) & cache->mask], memory_order_relaxed);
    if (known == 0) return false;
    slot *s = slot_of(cache, known);
    pthread_mutex_lock(lock_of(cache, known));
    const bool found = s->track.number == known && s->version == version && strcmp(s->track.id, id) == 0;
    pthread_mutex_unlock(lock_of(cache, known));
    if (found) *number = known;
    return found;
}

void tb__track_cache_put(tb__track_cache *cache, const tb_track *track, uint64_t version)
{
    tb_track copy, old;
    if (!tb__track_copy(track, &copy)) return;
    slot *s = slot_of(cache, track->number);
    /* Two numbers of one slot have one lock: the number of slots is a multiple of the number of locks. */
    pthread_mutex_lock(lock_of(cache, track->number));
    old = s->track;
    s->track = copy;
    s->version = version;
    pthread_mutex_unlock(lock_of(cache, track->number));
    tb_track_clear(&old);
    atomic_store_explicit(&cache->numbers[hash_id(track->id) & cache->mask], track->number, memory_order_relaxed);
}
