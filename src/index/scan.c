// SPDX-License-Identifier: MIT
/* The exact scan of a chunk. */
#include "index/scan.h"

#include "base/alloc.h"

#include <string.h>

/* One bit per slot of a chunk. */
typedef struct slot_bits {
    uint64_t words[TB__CHUNK_WORDS];
} slot_bits;

static uint32_t count_bits(const slot_bits *bits)
{
    uint32_t count = 0;
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) count += (uint32_t)__builtin_popcountll(bits->words[w]);
    return count;
}

static bool get_bit(const slot_bits *bits, uint32_t slot)
{
    return bits->words[slot / 64] >> (slot % 64) & 1u;
}

/* Position of the first bit that is `value` at or after `from`; TB__CHUNK_SLOTS if none. */
static uint32_t find_bit(const slot_bits *bits, uint32_t from, bool value)
{
    if (from >= TB__CHUNK_SLOTS) return TB__CHUNK_SLOTS;
    const uint64_t flip = value ? 0 : ~UINT64_C(0);
    uint32_t w = from / 64;
    uint64_t word = (bits->words[w] ^ flip) & (~UINT64_C(0) << (from % 64));
    while (word == 0) {
        if (++w == TB__CHUNK_WORDS) return TB__CHUNK_SLOTS;
        word = bits->words[w] ^ flip;
    }
    return w * 64 + (uint32_t)__builtin_ctzll(word);
}

bool tb__scan_init(tb__scan *scan, const tb__plan *plan, const tb_distance_table *kernels, uint64_t sequence,
                   size_t k)
{
    *scan = (tb__scan){.plan = plan, .kernels = kernels, .sequence = sequence};
    scan->distances = tb_alloc_aligned((plan->n_parts + 1) * TB__CHUNK_SLOTS, sizeof *scan->distances);
    if (scan->distances && tb__top_init(&scan->top, k, plan->query->best_per_group)) return true;
    tb__scan_clear(scan);
    return false;
}

void tb__scan_clear(tb__scan *scan)
{
    tb__top_clear(&scan->top);
    tb_free(scan->distances);
    *scan = (tb__scan){0};
}

/* Less the slots whose group may not answer. */
static void filter_slots(tb__scan *scan, const tb__chunk *chunk, slot_bits *slots)
{
    const tb__plan *plan = scan->plan;
    if (!plan->query->filter && plan->n_exclude == 0) return;
    if (plan->query->filter) {
        const uint32_t lowest = atomic_load_explicit(&chunk->lowest_group, memory_order_relaxed);
        const uint32_t highest = atomic_load_explicit(&chunk->highest_group, memory_order_relaxed);
        if (tb_bitmap_next(plan->query->filter, lowest) > highest) {
            memset(slots, 0, sizeof *slots);
            return;
        }
    }
    /* Items of a group mostly lie together. */
    uint32_t last_group = 0;
    bool is_allowed = tb__plan_allows(plan, last_group);
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) {
        uint64_t kept = 0;
        for (uint64_t left = slots->words[w]; left; left &= left - 1) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(left), group = chunk->groups[w * 64 + bit];
            if (group != last_group) is_allowed = tb__plan_allows(plan, group);
            last_group = group;
            kept |= (uint64_t)is_allowed << bit;
        }
        slots->words[w] = kept;
    }
}

/* Which of the slots have the part. */
static void find_present(const tb__chunk *chunk, size_t part, float min_presence, const slot_bits *slots,
                         slot_bits *present)
{
    if (atomic_load_explicit(&chunk->lowest_presence[part], memory_order_relaxed) > min_presence) {
        *present = *slots;
        return;
    }
    const float *presence = chunk->presence[part];
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) {
        uint64_t kept = 0;
        for (uint64_t left = slots->words[w]; left; left &= left - 1) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(left);
            if (presence[w * 64 + bit] > min_presence) kept |= UINT64_C(1) << bit;
        }
        present->words[w] = kept;
    }
}

/* Less the slots that cannot be compared.  present: by part of the plan. */
static void drop_missing(const tb__plan *plan, const slot_bits *present, slot_bits *slots)
{
    const bool need_all = plan->query->missing == TB_MISSING_EXCLUDE;
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) {
        uint64_t any = 0, all = ~UINT64_C(0);
        for (size_t i = 0; i < plan->n_parts; i++) {
            if (!plan->parts[i].in_query) continue;
            any |= present[i].words[w];
            all &= present[i].words[w];
        }
        slots->words[w] &= need_all ? any & all : any;
    }
}

/* Distances of one part, or lower bounds where it is coded, for the slots in both sets. */
static void compute_part(tb__scan *scan, const tb__chunk *chunk, size_t i, const slot_bits *present,
                         const slot_bits *slots)
{
    const tb__plan_part *part = &scan->plan->parts[i];
    float *out = scan->distances + i * TB__CHUNK_SLOTS;
    slot_bits both;
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) both.words[w] = present->words[w] & slots->words[w];
    for (uint32_t from = find_bit(&both, 0, true); from < TB__CHUNK_SLOTS;) {
        const uint32_t to = find_bit(&both, from, false);
        if (part->code.values)
            scan->kernels->bound_block(&part->code, &chunk->codes[part->part], from, to - from, out + from);
        else
            scan->kernels->l2_block(part->vector, tb__chunk_vector(chunk, part->part, from),
                                    chunk->strides[part->part], part->dim, to - from, out + from);
        from = find_bit(&both, to, true);
    }
}

/* Whether every slot of `inner` is in `outer`. */
static bool is_within(const slot_bits *inner, const slot_bits *outer)
{
    uint64_t outside = 0;
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) outside |= inner->words[w] & ~outer->words[w];
    return outside == 0;
}

/* What a sum of parts with weights that add up to 1 may be at most, for an item that is not farther than
 * `limit`. Every mode's distance is at least sum * asked / used (sum, where nothing is renormalised),
 * whatever parts the sum leaves out.  In f32, with room for its roundings and underflow; infinite where f32
 * ends. */
static float largest_sum(const tb__plan *plan, double limit)
{
    double used = plan->asked_weight;
    if (plan->query->missing != TB_MISSING_PENALIZE) {
        used = 0;
        for (size_t i = 0; i < plan->n_parts; i++)
            used += plan->parts[i].in_query ? plan->parts[i].weight : 0;
    }
    const double sum = limit * (used / plan->asked_weight) / plan->asked_weight * (1 + 1e-5) + 1e-37;
    return sum < 1e38 ? (float)sum : __builtin_inff();
}

/* Adds one part to the sums, and takes out the slots whose sum is too large by now. */
static void narrow_slots(tb__scan *scan, size_t i, float most, slot_bits *slots)
{
    const tb__plan *plan = scan->plan;
    float *sums = scan->distances + plan->n_parts * TB__CHUNK_SLOTS;
    const float *part = scan->distances + i * TB__CHUNK_SLOTS;
    const float weight = (float)(plan->parts[i].weight / plan->asked_weight);
    for (size_t slot = 0; slot < TB__CHUNK_SLOTS; slot++) sums[slot] += weight * part[slot];
    for (size_t w = 0; w < TB__CHUNK_WORDS; w++) {
        const float *run = sums + w * 64;
        int any = 0;
        for (size_t bit = 0; bit < 64; bit++) any |= run[bit] <= most;
        uint64_t kept = 0;
        if (any)
            for (size_t bit = 0; bit < 64; bit++) kept |= (uint64_t)(run[bit] <= most) << bit;
        slots->words[w] &= kept;
    }
}

/* Part by part, heaviest first, so that slots which are too far already are not looked at in the rest.
 * slots: those to compare; those that are left after it.  Returns the parts of the plan that all of these
 * have. */
static uint32_t compute_parts(tb__scan *scan, const tb__chunk *chunk, const slot_bits *present,
                              slot_bits *slots)
{
    const tb__plan *plan = scan->plan;
    const slot_bits all = *slots;
    const uint32_t n_all = count_bits(&all);
    const double top_bound = tb__top_bound(&scan->top), max_distance2 = plan->query->max_distance2;
    const float most = largest_sum(plan, top_bound < max_distance2 ? top_bound : max_distance2);
    uint32_t in_all = 0;
    memset(scan->distances + plan->n_parts * TB__CHUNK_SLOTS, 0, TB__CHUNK_SLOTS * sizeof *scan->distances);
    for (size_t o = 0; o < plan->n_parts; o++) {
        const size_t i = plan->order[o];
        const bool has_all = is_within(slots, &present[i]);
        if (has_all) in_all |= UINT32_C(1) << i;
        if (!plan->parts[i].in_query) continue;
        /* Scattered slots cost more each than those of long runs. */
        const bool is_sparse = count_bits(slots) < n_all / 4;
        compute_part(scan, chunk, i, &present[i], is_sparse ? slots : &all);
        if (has_all && most < __builtin_inff()) narrow_slots(scan, i, most, slots);
    }
    return in_all;
}

/* False: it is past the threshold, or too far for the best so far. */
static bool may_win(tb__scan *scan, double distance2)
{
    if (distance2 > scan->plan->query->max_distance2) {
        scan->dropped_threshold++;
        return false;
    }
    return !(distance2 > tb__top_bound(&scan->top));
}

/* The exact distance of a slot; item_has as in tb__plan_distance. */
static double compute_distance(const tb__scan *scan, const tb__chunk *chunk, uint32_t slot, uint32_t item_has)
{
    const tb__plan *plan = scan->plan;
    float distances[TB_INDEX_MAX_PARTS];
    for (size_t i = 0; i < plan->n_parts; i++) {
        const tb__plan_part *part = &plan->parts[i];
        if (part->in_query && (item_has >> i & 1u))
            distances[i] =
                scan->kernels->l2(part->vector, tb__chunk_vector(chunk, part->part, slot), part->dim);
    }
    double weight_used;
    return tb__plan_distance(plan, item_has, distances, 1, &weight_used);
}

static void offer(tb__scan *scan, const tb__chunk *chunk, uint32_t slot, double distance2)
{
    tb__top_offer(&scan->top, &(tb__candidate){
                                  .distance2 = distance2,
                                  .label = chunk->labels[slot],
                                  .chunk = chunk,
                                  .slot = slot,
                                  .group = chunk->groups[slot],
                              });
}

/* Weighs what compute_part has found for the slot, and compares exactly what that does not rule out. */
static void consider_slot(tb__scan *scan, const tb__chunk *chunk, uint32_t slot, uint32_t item_has)
{
    double weight_used;
    double distance2 =
        tb__plan_distance(scan->plan, item_has, scan->distances + slot, TB__CHUNK_SLOTS, &weight_used);
    if (!may_win(scan, distance2)) return;
    if (scan->plan->code_values) {
        distance2 = compute_distance(scan, chunk, slot, item_has);
        scan->n_exact++;
        if (!may_win(scan, distance2)) return;
    }
    offer(scan, chunk, slot, distance2);
}

void tb__scan_offer(tb__scan *scan, const tb__chunk *chunk, uint32_t slot)
{
    const double distance2 = compute_distance(scan, chunk, slot, tb__plan_present(scan->plan, chunk, slot));
    scan->n_exact++;
    if (may_win(scan, distance2)) offer(scan, chunk, slot, distance2);
}

void tb__scan_chunk(tb__scan *scan, const tb__chunk *chunk)
{
    const tb__plan *plan = scan->plan;
    slot_bits slots, present[TB_INDEX_MAX_PARTS];
    if (tb__chunk_alive(chunk, scan->sequence, slots.words) == 0) return;
    const uint32_t n_alive = count_bits(&slots);
    filter_slots(scan, chunk, &slots);
    const uint32_t n_allowed = count_bits(&slots);
    scan->n_items += n_alive;
    scan->dropped_filter += n_alive - n_allowed;
    if (n_allowed == 0) return;
    for (size_t i = 0; i < plan->n_parts; i++)
        find_present(chunk, plan->parts[i].part, plan->query->min_presence, &slots, &present[i]);
    drop_missing(plan, present, &slots);
    const uint32_t n_compared = count_bits(&slots);
    scan->dropped_missing += n_allowed - n_compared;
    if (n_compared == 0) return;
    const uint32_t in_all = compute_parts(scan, chunk, present, &slots);
    if (!plan->code_values) scan->n_exact += n_compared;
    scan->dropped_threshold += n_compared - count_bits(&slots);
    for (uint32_t slot = find_bit(&slots, 0, true); slot < TB__CHUNK_SLOTS;
         slot = find_bit(&slots, slot + 1, true)) {
        uint32_t item_has = in_all;
        for (size_t i = 0; i < plan->n_parts; i++)
            if (!(in_all >> i & 1u)) item_has |= (uint32_t)get_bit(&present[i], slot) << i;
        consider_slot(scan, chunk, slot, item_has);
    }
}

void tb__scan_merge(tb__scan *scan, const tb__scan *other)
{
    for (size_t i = 0; i < other->top.n; i++) tb__top_offer(&scan->top, &other->top.candidates[i]);
    scan->n_items += other->n_items;
    scan->dropped_filter += other->dropped_filter;
    scan->dropped_missing += other->dropped_missing;
    scan->dropped_threshold += other->dropped_threshold;
    scan->n_exact += other->n_exact;
}
