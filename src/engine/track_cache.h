// SPDX-License-Identifier: MIT
/* Tracks that were read lately, so that a page of search results needs no database.
 *
 * Each entry carries the version that the store had before it was read (tb_store_version).  Any write makes a new
 * version and so every entry stale: nothing has to be told, and nobody sees a track as it was before a write that has
 * returned.  While a scan writes, tracks come from the store as if there were no cache.
 * Shared, locks inside. */
#ifndef TIMBRE_ENGINE_TRACK_CACHE_H
#define TIMBRE_ENGINE_TRACK_CACHE_H

#include "engine/catalog.h"

typedef struct tb__track_cache tb__track_cache;

/* n_slots: how many tracks at most; a power of two. */
tb_status tb__track_cache_new(size_t n_slots, tb__track_cache **cache, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb__track_cache_free(tb__track_cache *cache);

/* A copy of the track as of that version; false when it is not there (or there is no memory).  *track: tb_track_clear. */
bool tb__track_cache_get(tb__track_cache *cache, int64_t number, uint64_t version, tb_track *track);
/* Number of the track with this id of ours; false when it is not there. */
bool tb__track_cache_find(tb__track_cache *cache, const char *id, uint64_t version, int64_t *number);
/* Remembers the number of a track's id of ours; ids of other lengths are passed over. */
void tb__track_cache_note(tb__track_cache *cache, const char *id, uint64_t version, int64_t number);
/* Keeps a copy; version: the store's before the track was read. */
void tb__track_cache_put(tb__track_cache *cache, const tb_track *track, uint64_t version);

#endif
