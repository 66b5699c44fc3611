// SPDX-License-Identifier: MIT
/* Memory of the graphs: directories and blocks of links. */
#include "index/hnsw.h"

#include "base/alloc.h"

#include <string.h>

static void free_retired(tb__retired *object)
{
    tb__hnsw_free((tb__hnsw *)object);
}

tb__hnsw *tb__hnsw_new(const tb__hnsw *old, size_t n_parts, size_t n_places, atomic_size_t *n_bytes)
{
    tb__hnsw *graph = tb_alloc(1, sizeof *graph);
    if (!graph) return NULL;
    *graph = (tb__hnsw){.n_parts = n_parts, .n_places = n_places};
    graph->own_bytes = sizeof *graph + n_places * sizeof *graph->places;
    graph->places = tb_alloc(n_places, sizeof *graph->places);
    bool is_whole = graph->places;
    for (size_t c = 0; c < n_parts; c++) {
        graph->own_bytes += n_places * sizeof *graph->spots[c];
        graph->spots[c] = tb_alloc(n_places, sizeof *graph->spots[c]);
        is_whole = is_whole && graph->spots[c];
        graph->entries[c] = old ? old->entries[c] : TB__NODE_NONE;
    }
    if (!is_whole) {
        tb__hnsw_free(graph);
        return NULL;
    }
    graph->retired.free = free_retired;
    graph->n_bytes = n_bytes;
    atomic_fetch_add(n_bytes, graph->own_bytes);
    if (old) {
        const size_t n = old->n_places < n_places ? old->n_places : n_places;
        graph->n_covered = old->n_covered;
        graph->n_lost = old->n_lost;
        memcpy(graph->places, old->places, n * sizeof *graph->places);
        for (size_t c = 0; c < n_parts; c++)
            memcpy(graph->spots[c], old->spots[c], n * sizeof *graph->spots[c]);
    }
    return graph;
}

void tb__hnsw_free(tb__hnsw *graph)
{
    if (!graph) return;
    for (size_t c = 0; c < graph->n_parts; c++) tb_free(graph->spots[c]);
    tb_free(graph->places);
    if (graph->n_bytes) atomic_fetch_sub(graph->n_bytes, graph->own_bytes);
    tb_free(graph);
}

void tb__hnsw_set_place(tb__hnsw *graph, size_t place, const tb__chunk *chunk)
{
    graph->places[place] = (tb__hnsw_place){.chunk = chunk};
    for (size_t c = 0; c < graph->n_parts; c++) {
        graph->spots[c][place] = (tb__hnsw_spot){
            .lists = chunk->blocks[c]->lists,
            .codes = chunk->codes[c].values,
            .terms = chunk->codes[c].terms,
            .errors = chunk->codes[c].errors,
            .vectors = chunk->vectors[c],
        };
    }
}

tb__node tb__hnsw_choose_entry(const tb__hnsw *graph, size_t part)
{
    tb__node best = TB__NODE_NONE;
    for (size_t place = 0; place < graph->n_places; place++) {
        if (!graph->places[place].is_covered) continue;
        tb__node node = tb__hnsw_highest(graph->places[place].chunk, part);
        if (node == TB__NODE_NONE) continue;
        node = tb__node_of(place, node);
        if (best == TB__NODE_NONE || tb__hnsw_level(graph, part, node) > tb__hnsw_level(graph, part, best))
            best = node;
    }
    return best;
}

void tb__hnsw_clear_place(tb__hnsw *graph, size_t place)
{
    graph->n_covered -= graph->places[place].is_covered;
    graph->n_lost++;
    graph->places[place] = (tb__hnsw_place){.is_lost = true};
    for (size_t c = 0; c < graph->n_parts; c++) {
        graph->spots[c][place] = (tb__hnsw_spot){0};
        if (graph->entries[c] != TB__NODE_NONE && tb__node_place(graph->entries[c]) == place)
            graph->entries[c] = tb__hnsw_choose_entry(graph, c);
    }
}

tb__node tb__hnsw_highest(const tb__chunk *chunk, size_t part)
{
    tb__node best = TB__NODE_NONE;
    for (uint32_t slot = 0; slot < TB__CHUNK_SLOTS; slot++) {
        if (!(chunk->presence[part][slot] > 0) || tb__chunk_is_dead(chunk, slot)) continue;
        if (best == TB__NODE_NONE || chunk->blocks[part]->levels[slot] > chunk->blocks[part]->levels[best])
            best = slot;
    }
    return best;
}

/* Levels as the paper draws them with m_L = 1 / ln(16): one slot in 16^l has level l or more.  Drawn from the
 * slot's name, so that the same chunks give the same graph. */
static unsigned draw_level(uint64_t name)
{
    name += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 */
    name = (name ^ name >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    name = (name ^ name >> 27) * UINT64_C(0x94d049bb133111eb);
    name ^= name >> 31;
    const unsigned level = name == 0 ? TB__HNSW_MAX_LEVEL : (unsigned)__builtin_clzll(name) / 4;
    return level < TB__HNSW_MAX_LEVEL ? level : TB__HNSW_MAX_LEVEL;
}

void tb__hnsw_block_free(tb__hnsw_block *block)
{
    if (!block) return;
    tb_free(block->levels);
    tb_free(block->upper_at);
    tb_free(block->lists);
    tb_free(block->upper);
    tb_free(block);
}

static tb__hnsw_block *new_block(const tb__chunk *chunk, size_t part)
{
    tb__hnsw_block *block = tb_alloc(1, sizeof *block);
    if (!block) return NULL;
    block->levels = tb_alloc(TB__CHUNK_SLOTS, sizeof *block->levels);
    block->upper_at = tb_alloc(TB__CHUNK_SLOTS, sizeof *block->upper_at);
    block->lists = tb_alloc_aligned(TB__CHUNK_SLOTS * TB__HNSW_DEGREE0, sizeof *block->lists);
    if (!block->levels || !block->upper_at || !block->lists) goto fail;
    size_t n_upper = 0;
    for (uint32_t slot = 0; slot < TB__CHUNK_SLOTS; slot++) {
        block->upper_at[slot] = (uint16_t)n_upper;
        if (!(chunk->presence[part][slot] > 0)) continue;
        block->levels[slot] =
            (uint8_t)draw_level((chunk->serial * TB__CHUNK_SLOTS + slot) * TB_INDEX_MAX_PARTS + part);
        n_upper += block->levels[slot];
    }
    block->upper = tb_alloc_aligned(n_upper * TB__HNSW_DEGREE, sizeof *block->upper);
    if (!block->upper) goto fail;
    for (size_t i = 0; i < TB__CHUNK_SLOTS * TB__HNSW_DEGREE0; i++)
        atomic_init(&block->lists[i], TB__NODE_NONE);
    for (size_t i = 0; i < n_upper * TB__HNSW_DEGREE; i++) atomic_init(&block->upper[i], TB__NODE_NONE);
    block->n_bytes = sizeof *block + TB__CHUNK_SLOTS * (sizeof *block->levels + sizeof *block->upper_at) +
                     (TB__CHUNK_SLOTS * TB__HNSW_DEGREE0 + n_upper * TB__HNSW_DEGREE) * sizeof(tb__node);
    return block;
fail:
    tb__hnsw_block_free(block);
    return NULL;
}

bool tb__hnsw_blocks_new(tb__chunk *chunk)
{
    for (size_t c = 0; c < chunk->n_parts; c++) {
        chunk->blocks[c] = new_block(chunk, c);
        if (chunk->blocks[c]) continue;
        while (c-- > 0) {
            tb__hnsw_block_free(chunk->blocks[c]);
            chunk->blocks[c] = NULL;
        }
        return false;
    }
    size_t n_bytes = 0;
    for (size_t c = 0; c < chunk->n_parts; c++) n_bytes += chunk->blocks[c]->n_bytes;
    chunk->own_bytes += n_bytes;
    atomic_fetch_add(chunk->n_bytes, n_bytes);
    return true;
}
