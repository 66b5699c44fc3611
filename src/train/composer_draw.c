// SPDX-License-Identifier: MIT
/* Draws of the composer: whole numbers alone, so that every machine draws the same. */
#include "train/composer_internal.h"

#include <assert.h>

void tb__rng_branch(tb_rng *rng, uint64_t seed, uint64_t aspect)
{
    tb_rng mixer;
    tb_rng_init(&mixer, aspect);
    tb_rng_init(rng, seed ^ tb_rng_next(&mixer));
}

int tb__draw(tb_rng *rng, int low, int high)
{
    assert(low <= high);
    return low + (int)tb_rng_below(rng, (uint64_t)(high - low) + 1);
}

bool tb__chance(tb_rng *rng, int percent)
{
    return tb__draw(rng, 0, 99) < percent;
}

int tb__pick(tb_rng *rng, const int *weights, int n)
{
    int sum = 0, i = 0;
    for (int k = 0; k < n; k++) sum += weights[k];
    int at = tb__draw(rng, 0, sum - 1);
    for (; i < n - 1 && at >= weights[i]; i++) at -= weights[i];
    return i;
}

int tb__spread(tb_rng *rng, int deviation)
{
    /* an even number within +-w has deviation w / sqrt(3), four of them twice that */
    const int width = deviation * 866 / 1000;
    int sum = 0;
    for (int i = 0; i < 4; i++) sum += tb__draw(rng, -width, width);
    return sum;
}

/* How much a step carries: the bar, a beat, between beats, between those. */
static int strength(int step)
{
    if (step == 0) return 3;
    if (step % 4 == 0) return 2;
    return step % 2 == 0 ? 1 : 0;
}

unsigned tb__rhythm(tb_rng *rng, int n_steps, int density, int syncopation)
{
    static const int straight[4] = {30, 90, 210, 300}, crossed[4] = {110, 200, 60, 90};
    unsigned rhythm = 0;
    for (int step = 0; step < n_steps; step++) {
        const int s = strength(step);
        const int weight = (straight[s] * (100 - syncopation) + crossed[s] * syncopation) / 100;
        if (tb__draw(rng, 0, 9999) < density * weight) rhythm |= 1u << step;
    }
    return rhythm ? rhythm : 1u;
}

unsigned tb__known_rhythm(tb_rng *rng, int n_steps)
{
    static const char *const known[] = {
        "x..x..x.x..x..x.", "x..x..x...x.x...", "x.....x...x.....", "x..x....x..x....", "x.......x.......",
        "x...x...x...x...", "..x...x...x...x.", "x.x.x.x.x.x.x.x.", "x.xxx.xxx.xxx.xx", "x..x..x..x..x.x.",
        "x...x..x..x.x...", "x.x..x.x.x..x.x.", "x..xx.x.x..xx.x.", "x.....x.........", "x...x.x..xx.x...",
        "xx.xx.xx.xx.xx.x", "x..x.x..x..x.x..", "x.x.x...x.x.x...",
    };
    const char *text = known[tb__draw(rng, 0, (int)(sizeof known / sizeof *known) - 1)];
    unsigned rhythm = 0;
    for (int step = 0; step < n_steps; step++)
        if (text[step] == 'x') rhythm |= 1u << step;
    return rhythm;
}

int tb__steps_to_next(unsigned rhythm, int step, int n_steps)
{
    int next = step + 1;
    while (next < n_steps && !(rhythm >> next & 1u)) next++;
    return next - step;
}
