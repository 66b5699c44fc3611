// SPDX-License-Identifier: MIT
/* Two direct-mapped tables: tracks by number, and numbers by the hash of an id.  An item has one slot and shares it with
 * others.  Locks are one per group of slots; nothing else is locked under them. */
#include "engine/track_cache.h"

#include "base/alloc.h"
#include "engine/engine_internal.h"

#include <string.h>

enum { N_LOCKS = 16 };

typedef struct slot {
    tb_track track; /* number 0: empty */
    uint64_t version;
} slot;

typedef struct id_slot {
    char id[TB_TRACK_ID_SIZE]; /* "": empty */
    int64_t number;
    uint64_t version;
} id_slot;

struct tb__track_cache {
    size_t mask; /* of both tables: a multiple of N_LOCKS, less one */
    slot *slots;
    id_slot *ids;
    pthread_mutex_t locks[N_LOCKS];
};

/* FNV-1a */
static size_t hash_id(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *id; id++) hash = (hash ^ (unsigned char)*id) * 0x100000001b3u;
    return (size_t)(hash ^ (hash >> 32));
}

/* place: the number of a track or the hash of an id.  What shares a slot shares its lock. */
static pthread_mutex_t *lock_of(tb__track_cache *cache, uint64_t place)
{
    return &cache->locks[place % N_LOCKS];
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
    made->ids = tb_alloc(n_slots, sizeof *made->ids);
    if (!made->slots || !made->ids) TB_FAIL(err, TB_NO_MEMORY, "no memory for a cache of %zu tracks", n_slots);
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
    tb_free(cache->ids);
    tb_free(cache);
}

bool tb__track_cache_get(tb__track_cache *cache, int64_t number, uint64_t version, tb_track *track)
{
    slot *s = slot_of(cache, number);
    pthread_mutex_lock(lock_of(cache, (uint64_t)number));
    const bool found = s->track.number == number && s->version == version && tb__track_copy(&s->track, track);
    pthread_mutex_unlock(lock_of(cache, (uint64_t)number));
    return found;
}

bool tb__track_cache_find(tb__track_cache *cache, const char *id, uint64_t version, int64_t *number)
{
    const size_t place = hash_id(id);
    const id_slot *s = &cache->ids[place & cache->mask];
    pthread_mutex_lock(lock_of(cache, place));
    const bool found = s->version == version && *id && strcmp(s->id, id) == 0;
    if (found) *number = s->number;
    pthread_mutex_unlock(lock_of(cache, place));
    return found;
}

void tb__track_cache_note(tb__track_cache *cache, const char *id, uint64_t version, int64_t number)
{
    if (strlen(id) != TB_TRACK_ID_SIZE - 1) return;
    const size_t place = hash_id(id);
    id_slot *s = &cache->ids[place & cache->mask];
    pthread_mutex_lock(lock_of(cache, place));
    memcpy(s->id, id, sizeof s->id);
    s->number = number;
    s->version = version;
    pthread_mutex_unlock(lock_of(cache, place));
}

void tb__track_cache_put(tb__track_cache *cache, const tb_track *track, uint64_t version)
{
    tb_track copy, old;
    if (!tb__track_copy(track, &copy)) return;
    slot *s = slot_of(cache, track->number);
    pthread_mutex_lock(lock_of(cache, (uint64_t)track->number));
    old = s->track;
    s->track = copy;
    s->version = version;
    pthread_mutex_unlock(lock_of(cache, (uint64_t)track->number));
    tb_track_clear(&old);
    tb__track_cache_note(cache, track->id, version, track->number);
}
