// SPDX-License-Identifier: MIT
/* The writing half of the index: items come, go and move.
 *
 * A change is made of births of new slots and deaths of old ones, all with the next sequence number;
 * publishing the number makes the whole of it visible at once.  Whatever can fail (memory for slots and map
 * places) is reserved first, so that a change either happens or fails with nothing touched.
 *
 * Full chunks of which half is dead are compacted: their live items move to the end as one more change, and
 * the chunk is taken out of the root and retired. */
#include "index/index.h"

#include "base/alloc.h"
#include "index/index_internal.h"

#include <math.h>
#include <string.h>

/* --- roots and views ----------------------------------------------------- */

static void free_root(tb__retired *object)
{
    tb__root *root = (tb__root *)object;
    atomic_fetch_sub(root->n_bytes, sizeof *root + root->n_chunks * sizeof *root->chunks);
    tb_free(root);
}

static tb__root *new_root(atomic_size_t *n_bytes, size_t n_chunks)
{
    size_t size;
    if (!tb_mul_size(n_chunks, sizeof(tb__chunk *), &size) || size > SIZE_MAX / 2) return NULL;
    size += sizeof(tb__root);
    tb__root *root = tb_alloc(1, size);
    if (!root) return NULL;
    root->retired.free = free_root;
    root->n_bytes = n_bytes;
    root->n_chunks = n_chunks;
    atomic_fetch_add(n_bytes, size);
    return root;
}

/* Writer only: what is current cannot change under it. */
static tb__root *root_of(const tb_index *index)
{
    return atomic_load_explicit(&index->root, memory_order_relaxed);
}

static void replace_root(tb_index *index, tb__root *root)
{
    tb__root *old = root_of(index);
    atomic_store(&index->root, root);
    tb__reclaim_retire(index->reclaim, &old->retired);
}

tb__view tb__index_enter(const tb_index *index)
{
    tb__view view = {.reader = tb__reclaim_enter(index->reclaim)};
    do {
        view.root = atomic_load(&index->root);
        view.sequence = atomic_load(&index->sequence);
    } while (view.root != atomic_load(&index->root));
    return view;
}

void tb__index_leave(const tb_index *index, const tb__view *view)
{
    tb__reclaim_leave(index->reclaim, view->reader);
}

/* NULL if the root has no such chunk. */
static tb__chunk *find_chunk(const tb__root *root, tb__slot_ref ref, uint32_t *slot)
{
    const uint64_t serial = (ref - 1) / TB__CHUNK_SLOTS;
    *slot = (uint32_t)((ref - 1) % TB__CHUNK_SLOTS);
    size_t low = 0, high = root->n_chunks;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (root->chunks[middle]->serial < serial) low = middle + 1;
        else high = middle;
    }
    return low < root->n_chunks && root->chunks[low]->serial == serial ? root->chunks[low] : NULL;
}

static tb__slot_ref ref_of(const tb__chunk *chunk, uint32_t slot)
{
    return chunk->serial * TB__CHUNK_SLOTS + slot + 1;
}

/* --- life of an index ---------------------------------------------------- */

static tb_status check_layout(const tb_index_layout *layout, size_t n_threads, tb_error *err)
{
    if (layout->n_parts < 1 || layout->n_parts > TB_INDEX_MAX_PARTS)
        return tb_error_set(err, TB_INVALID, "an index has 1 to %d parts, not %zu", TB_INDEX_MAX_PARTS,
                            layout->n_parts);
    size_t dim = 0;
    for (size_t c = 0; c < layout->n_parts; c++) {
        if (layout->part_dims[c] < 1 || layout->part_dims[c] > TB_INDEX_MAX_DIM)
            return tb_error_set(err, TB_INVALID,
                                "part %zu of an index has %zu dimensions; 1 to %d are possible", c,
                                layout->part_dims[c], TB_INDEX_MAX_DIM);
        dim += layout->part_dims[c];
    }
    if (dim > TB_INDEX_MAX_DIM)
        return tb_error_set(err, TB_INVALID,
                            "the parts of an index have %zu dimensions together; %d are possible", dim,
                            TB_INDEX_MAX_DIM);
    if (n_threads < 1 || n_threads > TB_INDEX_MAX_THREADS)
        return tb_error_set(err, TB_INVALID, "a search uses 1 to %d threads, not %zu", TB_INDEX_MAX_THREADS,
                            n_threads);
    return TB_OK;
}

tb_status tb_index_new(const tb_index_layout *layout, size_t n_threads, tb_index **index, tb_error *err)
{
    tb_status status = TB_OK;
    tb_index *made = NULL;
    TB_TRY(check_layout(layout, n_threads, err));
    made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for an index");
    pthread_mutex_init(&made->writer, NULL);
    pthread_mutex_init(&made->linker, NULL);
    atomic_init(&made->graph, NULL);
    made->layout = *layout;
    for (size_t c = 0; c < layout->n_parts; c++) {
        made->part_offsets[c] = made->dim;
        made->dim += layout->part_dims[c];
    }
    made->kernels = tb_distance_kernels();
    made->n_threads = n_threads;
    atomic_init(&made->root, NULL);
    atomic_init(&made->sequence, 0);
    atomic_init(&made->n_items, 0);
    made->n_bytes = tb_alloc(1, sizeof *made->n_bytes);
    made->reclaim = tb__reclaim_new();
    if (!made->n_bytes || !made->reclaim) TB_FAIL(err, TB_NO_MEMORY, "no memory for an index");
    atomic_init(made->n_bytes, sizeof *made);
    tb__map_init(&made->labels, made->reclaim, made->n_bytes);
    tb__map_init(&made->groups, made->reclaim, made->n_bytes);
    tb__root *root = new_root(made->n_bytes, 0);
    if (!root) TB_FAIL(err, TB_NO_MEMORY, "no memory for an index");
    atomic_store(&made->root, root);
    if (n_threads > 1) TB_TRY(tb_pool_new("index", n_threads - 1, 4 * n_threads, &made->pool, err));
    *index = made;
    made = NULL;
out:
    tb_index_free(made);
    return status;
}

void tb_index_free(tb_index *index)
{
    if (!index) return;
    tb_pool_free(index->pool);
    tb__index_free_graph(index);
    tb__root *root = root_of(index);
    if (root) {
        for (size_t i = 0; i < root->n_chunks; i++) tb__chunk_free(root->chunks[i]);
        free_root(&root->retired);
        tb__map_clear(&index->labels);
        tb__map_clear(&index->groups);
    }
    tb__reclaim_free(index->reclaim);
    tb_free(index->n_bytes);
    pthread_mutex_destroy(&index->writer);
    pthread_mutex_destroy(&index->linker);
    tb_free(index);
}

const tb_index_layout *tb_index_get_layout(const tb_index *index)
{
    return &index->layout;
}

size_t tb_index_dim(const tb_index *index)
{
    return index->dim;
}

size_t tb_index_count(const tb_index *index)
{
    return atomic_load(&index->n_items);
}

void tb_index_get_stats(const tb_index *index, tb_index_stats *stats)
{
    const tb__view view = tb__index_enter(index);
    *stats = (tb_index_stats){
        .n_items = atomic_load(&index->n_items),
        .n_slots = view.root->n_chunks * TB__CHUNK_SLOTS,
        .n_bytes = atomic_load(index->n_bytes),
        .kernels = index->kernels->name,
    };
    const tb__hnsw *graph = atomic_load(&index->graph);
    if (graph) stats->n_linked = graph->n_covered * TB__CHUNK_SLOTS;
    tb__index_leave(index, &view);
}

/* --- checks -------------------------------------------------------------- */

tb_status tb__check_vector(const float *vector, size_t n, const char *what, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (fabsf(vector[i]) <= TB_INDEX_MAX_COMPONENT) continue;
        return tb_error_set(err, TB_INVALID, "component %zu of %s is %s", i, what,
                            isnan(vector[i])   ? "not a number"
                            : isinf(vector[i]) ? "infinite"
                                               : "larger than 1e15");
    }
    return TB_OK;
}

tb_status tb__check_presence(const float *presence, size_t n, const char *what, tb_error *err)
{
    for (size_t c = 0; presence && c < n; c++)
        if (!(presence[c] >= 0.0f && presence[c] <= 1.0f))
            return tb_error_set(err, TB_INVALID, "the presence of part %zu of %s is %g; it must be 0 to 1", c,
                                what, (double)presence[c]);
    return TB_OK;
}

static tb_status check_items(const tb_index *index, const tb_index_item *items, size_t n, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        tb_status status = tb__check_vector(items[i].vector, index->dim, "the vector", err);
        if (status == TB_OK)
            status = tb__check_presence(items[i].presence, index->layout.n_parts, "the vector", err);
        if (status == TB_OK) continue;
        if (n > 1) tb_error_prefix(err, "item %zu of %zu", i + 1, n);
        return status;
    }
    return TB_OK;
}

/* --- room (writer lock held) --------------------------------------------- */

static bool is_full(const tb__chunk *chunk)
{
    return atomic_load_explicit(&chunk->n_used, memory_order_relaxed) == TB__CHUNK_SLOTS;
}

/* Chunks for n more slots. */
static bool reserve_slots(tb_index *index, size_t n)
{
    const tb__root *old = root_of(index);
    size_t room = 0;
    for (size_t i = index->fill_at; i < old->n_chunks; i++)
        room += TB__CHUNK_SLOTS - atomic_load_explicit(&old->chunks[i]->n_used, memory_order_relaxed);
    if (n <= room) return true;
    const size_t n_new = (n - room - 1) / TB__CHUNK_SLOTS + 1;
    tb__root *root = new_root(index->n_bytes, old->n_chunks + n_new);
    if (!root) return false;
    memcpy(root->chunks, old->chunks, old->n_chunks * sizeof *root->chunks);
    for (size_t i = 0; i < n_new; i++) {
        tb__chunk *chunk = tb__chunk_new(&index->layout, index->next_serial + i, index->n_bytes);
        if (!chunk) {
            while (i-- > 0) tb__chunk_free(root->chunks[old->n_chunks + i]);
            free_root(&root->retired);
            return false;
        }
        root->chunks[old->n_chunks + i] = chunk;
    }
    index->next_serial += n_new;
    replace_root(index, root);
    return true;
}

/* All that adding n items can need. */
static tb_status reserve(tb_index *index, size_t n, tb_error *err)
{
    if (tb__map_reserve(&index->labels, n) && tb__map_reserve(&index->groups, n) && reserve_slots(index, n))
        return TB_OK;
    return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu more vectors beside %zu in the index", n,
                        tb_index_count(index));
}

/* A chunk with room, which was reserved. */
static tb__chunk *chunk_to_fill(tb_index *index)
{
    const tb__root *root = root_of(index);
    while (is_full(root->chunks[index->fill_at])) index->fill_at++;
    return root->chunks[index->fill_at];
}

/* --- groups' lists (writer lock held) ------------------------------------ */

static void link_group(tb_index *index, tb__chunk *chunk, uint32_t slot)
{
    const tb__slot_ref ref = ref_of(chunk, slot);
    const tb__slot_ref head = tb__map_get(&index->groups, chunk->groups[slot]);
    chunk->group_next[slot] = head;
    chunk->group_previous[slot] = TB__MAP_NONE;
    if (head != TB__MAP_NONE) {
        uint32_t head_slot;
        tb__chunk *head_chunk = find_chunk(root_of(index), head, &head_slot);
        head_chunk->group_previous[head_slot] = ref;
    }
    tb__map_put(&index->groups, chunk->groups[slot], ref);
}

static void unlink_group(tb_index *index, tb__chunk *chunk, uint32_t slot)
{
    const tb__slot_ref next = chunk->group_next[slot], previous = chunk->group_previous[slot];
    uint32_t at;
    if (next != TB__MAP_NONE) {
        tb__chunk *neighbour = find_chunk(root_of(index), next, &at);
        neighbour->group_previous[at] = previous;
    }
    if (previous != TB__MAP_NONE) {
        tb__chunk *neighbour = find_chunk(root_of(index), previous, &at);
        neighbour->group_next[at] = next;
    } else if (next != TB__MAP_NONE) {
        tb__map_put(&index->groups, chunk->groups[slot], next);
    } else {
        tb__map_remove(&index->groups, chunk->groups[slot]);
    }
}

/* --- changes (writer lock held) ------------------------------------------ */

static uint64_t next_sequence(const tb_index *index)
{
    return atomic_load_explicit(&index->sequence, memory_order_relaxed) + 1;
}

static void publish(tb_index *index, uint64_t sequence, size_t n_items)
{
    atomic_store(&index->n_items, n_items);
    atomic_store(&index->sequence, sequence);
}

bool tb__index_is_worth_compacting(const tb__chunk *chunk)
{
    return is_full(chunk) &&
           atomic_load_explicit(&chunk->n_dead, memory_order_relaxed) >= TB__CHUNK_SLOTS / 2;
}

static void kill_slot(tb_index *index, tb__chunk *chunk, uint32_t slot, uint64_t sequence)
{
    atomic_store_explicit(&chunk->deaths[slot], sequence, memory_order_relaxed);
    const uint32_t n_dead = atomic_load_explicit(&chunk->n_dead, memory_order_relaxed);
    atomic_store_explicit(&chunk->n_dead, n_dead + 1, memory_order_relaxed);
    if (tb__index_is_worth_compacting(chunk)) index->wants_compaction = true;
}

/* Returns how many live items more there are: 0 if the label was there. */
static size_t add_item(tb_index *index, const tb_index_item *item, uint64_t sequence)
{
    size_t n_more = 1;
    const tb__slot_ref old = tb__map_get(&index->labels, item->label);
    if (old != TB__MAP_NONE) {
        uint32_t slot;
        tb__chunk *chunk = find_chunk(root_of(index), old, &slot);
        if (!tb__chunk_is_dead(chunk, slot)) {
            unlink_group(index, chunk, slot);
            kill_slot(index, chunk, slot, sequence);
            n_more = 0;
        }
    }
    tb__chunk *chunk = chunk_to_fill(index);
    const uint32_t slot = tb__chunk_append(chunk, &index->layout, item, sequence);
    if (tb__index_is_worth_compacting(chunk)) index->wants_compaction = true;
    link_group(index, chunk, slot);
    tb__map_put(&index->labels, item->label, ref_of(chunk, slot));
    return n_more;
}

/* Kills the group's items and takes its list apart from the map; the list itself stays readable.
 * Returns its length. */
static size_t kill_group(tb_index *index, uint32_t group, uint64_t sequence, tb__slot_ref *head)
{
    size_t n = 0;
    *head = tb__map_get(&index->groups, group);
    for (tb__slot_ref ref = *head; ref != TB__MAP_NONE; n++) {
        uint32_t slot;
        tb__chunk *chunk = find_chunk(root_of(index), ref, &slot);
        kill_slot(index, chunk, slot, sequence);
        ref = chunk->group_next[slot];
    }
    tb__map_remove(&index->groups, group);
    return n;
}

/* Takes the labels of a killed list out of the map, save those that stand for another slot by now. */
static void forget_labels(tb_index *index, tb__slot_ref head)
{
    for (tb__slot_ref ref = head; ref != TB__MAP_NONE;) {
        uint32_t slot;
        const tb__chunk *chunk = find_chunk(root_of(index), ref, &slot);
        if (tb__map_get(&index->labels, chunk->labels[slot]) == ref)
            tb__map_remove(&index->labels, chunk->labels[slot]);
        ref = chunk->group_next[slot];
    }
}

/* --- compaction (writer lock held) --------------------------------------- */

/* The item's links and label lead to its new slot. */
static void relink(tb_index *index, tb__chunk *from, uint32_t from_slot, tb__chunk *to, uint32_t to_slot)
{
    const tb__root *root = root_of(index);
    const tb__slot_ref ref = ref_of(to, to_slot);
    const tb__slot_ref next = from->group_next[from_slot], previous = from->group_previous[from_slot];
    uint32_t at;
    to->group_next[to_slot] = next;
    to->group_previous[to_slot] = previous;
    if (next != TB__MAP_NONE) {
        tb__chunk *neighbour = find_chunk(root, next, &at);
        neighbour->group_previous[at] = ref;
    }
    if (previous != TB__MAP_NONE) {
        tb__chunk *neighbour = find_chunk(root, previous, &at);
        neighbour->group_next[at] = ref;
    } else {
        tb__map_put(&index->groups, to->groups[to_slot], ref);
    }
    tb__map_put(&index->labels, to->labels[to_slot], ref);
}

/* Moves what lives in the chunk to the end; false without memory. */
static bool empty_chunk(tb_index *index, tb__chunk *chunk)
{
    const uint32_t n_live = TB__CHUNK_SLOTS - atomic_load_explicit(&chunk->n_dead, memory_order_relaxed);
    if (n_live == 0) return true;
    if (!reserve_slots(index, n_live)) return false;
    const uint64_t sequence = next_sequence(index);
    for (uint32_t slot = 0; slot < TB__CHUNK_SLOTS; slot++) {
        if (tb__chunk_is_dead(chunk, slot)) continue;
        tb__chunk *to = chunk_to_fill(index);
        relink(index, chunk, slot, to, tb__chunk_append_copy(to, chunk, slot, sequence));
        kill_slot(index, chunk, slot, sequence);
    }
    publish(index, sequence, tb_index_count(index));
    return true;
}

/* Takes the chunk at `at`, all dead, out of the root; false without memory. */
static bool drop_chunk(tb_index *index, size_t at)
{
    const tb__root *old = root_of(index);
    tb__chunk *chunk = old->chunks[at];
    tb__root *root = new_root(index->n_bytes, old->n_chunks - 1);
    if (!root) return false;
    if (!tb__index_unlink_chunk(index, chunk)) {
        free_root(&root->retired);
        return false;
    }
    memcpy(root->chunks, old->chunks, at * sizeof *root->chunks);
    memcpy(root->chunks + at, old->chunks + at + 1, (root->n_chunks - at) * sizeof *root->chunks);
    if (index->fill_at > at) index->fill_at--;
    replace_root(index, root);
    tb__reclaim_retire(index->reclaim, &chunk->retired);
    return true;
}

/* What memory does not allow now is tried again after the next change. */
static void compact(tb_index *index)
{
    for (size_t i = 0; i < root_of(index)->n_chunks;) {
        tb__chunk *chunk = root_of(index)->chunks[i];
        if (!tb__index_is_worth_compacting(chunk)) {
            i++;
            continue;
        }
        if (!empty_chunk(index, chunk) || !drop_chunk(index, i)) return;
        tb__reclaim_collect(index->reclaim);
    }
    index->wants_compaction = false;
}

/* Ends a change: memory that it freed goes back. */
static void tidy(tb_index *index)
{
    if (index->wants_compaction) compact(index);
    tb__map_trim(&index->labels);
    tb__map_trim(&index->groups);
    tb__reclaim_collect(index->reclaim);
}

/* --- calls ---------------------------------------------------------------- */

tb_status tb_index_put(tb_index *index, const tb_index_item *item, tb_error *err)
{
    return tb_index_put_many(index, item, 1, err);
}

tb_status tb_index_put_many(tb_index *index, const tb_index_item *items, size_t n, tb_error *err)
{
    tb_status status = check_items(index, items, n, err);
    if (status != TB_OK || n == 0) return status;
    pthread_mutex_lock(&index->writer);
    TB_TRY(reserve(index, n, err));
    const uint64_t sequence = next_sequence(index);
    size_t n_items = tb_index_count(index);
    for (size_t i = 0; i < n; i++) n_items += add_item(index, &items[i], sequence);
    publish(index, sequence, n_items);
    tidy(index);
out:
    pthread_mutex_unlock(&index->writer);
    return status;
}

tb_status tb_index_put_group(tb_index *index, uint32_t group, const tb_index_item *items, size_t n,
                             tb_error *err)
{
    tb_status status = check_items(index, items, n, err);
    if (status != TB_OK) return status;
    for (size_t i = 0; i < n; i++)
        if (items[i].group != group)
            return tb_error_set(err, TB_INVALID, "item %zu of %zu is of group %u, not %u", i + 1, n,
                                (unsigned)items[i].group, (unsigned)group);
    pthread_mutex_lock(&index->writer);
    TB_TRY(reserve(index, n, err));
    const uint64_t sequence = next_sequence(index);
    tb__slot_ref old;
    size_t n_items = tb_index_count(index);
    n_items -= kill_group(index, group, sequence, &old);
    for (size_t i = 0; i < n; i++) n_items += add_item(index, &items[i], sequence);
    forget_labels(index, old);
    publish(index, sequence, n_items);
    tidy(index);
out:
    pthread_mutex_unlock(&index->writer);
    return status;
}

bool tb_index_remove(tb_index *index, uint64_t label)
{
    pthread_mutex_lock(&index->writer);
    const tb__slot_ref ref = tb__map_get(&index->labels, label);
    if (ref != TB__MAP_NONE) {
        const uint64_t sequence = next_sequence(index);
        uint32_t slot;
        tb__chunk *chunk = find_chunk(root_of(index), ref, &slot);
        unlink_group(index, chunk, slot);
        kill_slot(index, chunk, slot, sequence);
        tb__map_remove(&index->labels, label);
        publish(index, sequence, tb_index_count(index) - 1);
        tidy(index);
    }
    pthread_mutex_unlock(&index->writer);
    return ref != TB__MAP_NONE;
}

size_t tb_index_remove_group(tb_index *index, uint32_t group)
{
    pthread_mutex_lock(&index->writer);
    const uint64_t sequence = next_sequence(index);
    tb__slot_ref old;
    const size_t n = kill_group(index, group, sequence, &old);
    if (n > 0) {
        forget_labels(index, old);
        publish(index, sequence, tb_index_count(index) - n);
        tidy(index);
    }
    pthread_mutex_unlock(&index->writer);
    return n;
}

tb_status tb_index_get(const tb_index *index, uint64_t label, uint32_t *group, float *vector, float *presence,
                       tb_error *err)
{
    const size_t reader = tb__reclaim_enter(index->reclaim);
    const tb__chunk *chunk = NULL;
    uint32_t slot = 0;
    /* An item that moves between the two look-ups is found at its new place. */
    while (!chunk) {
        const tb__slot_ref ref = tb__map_get(&index->labels, label);
        if (ref == TB__MAP_NONE) break;
        chunk = find_chunk(atomic_load(&index->root), ref, &slot);
    }
    if (chunk) {
        if (group) *group = chunk->groups[slot];
        tb__chunk_read(chunk, &index->layout, slot, vector, presence);
    }
    tb__reclaim_leave(index->reclaim, reader);
    return chunk ? TB_OK : tb_error_set(err, TB_NOT_FOUND, "the index has no item with this label");
}
