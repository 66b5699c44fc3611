// SPDX-License-Identifier: MIT
/* The kernels of batch norm, written once for all instruction sets: included by kernels_<set>.c with the
 * macros of kernels_body.h and COMPARE_SELECT(z, a, b) = z > 0 ? a : b.  Without them the header is empty.
 *
 * Positions lie `channels` apart.  A block of channels is held in registers while the positions go by; what
 * does not fill a vector is done one by one. */
#ifdef VECTOR

enum { NORM_VECTORS = 2 }; /* per block */

#define FOR_BLOCKS(channels, body)                                                                          \
    size_t c = 0;                                                                                           \
    for (; c + NORM_VECTORS * LANES <= (channels); c += NORM_VECTORS * LANES) body(NORM_VECTORS);           \
    for (; c + LANES <= (channels); c += LANES) body(1);                                                    \
    for (; c < (channels); c++)

static void norm_sum(size_t n, size_t channels, const float *x, float *sum)
{
#define BODY(n_vectors)                                                                                     \
    do {                                                                                                    \
        VECTOR sums[n_vectors];                                                                             \
        UNROLL for (size_t v = 0; v < (n_vectors); v++) sums[v] = LOAD(sum + c + v * LANES);                \
        for (size_t p = 0; p < n; p++)                                                                      \
            UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                 \
                sums[v] = ADD(sums[v], LOAD(x + p * channels + c + v * LANES));                             \
        UNROLL for (size_t v = 0; v < (n_vectors); v++) STORE(sum + c + v * LANES, sums[v]);                \
    } while (0)
    FOR_BLOCKS(channels, BODY)
    {
        float total = sum[c];
        for (size_t p = 0; p < n; p++) total += x[p * channels + c];
        sum[c] = total;
    }
#undef BODY
}

static void norm_sum_squares(size_t n, size_t channels, const float *x, const float *centre, float *sum)
{
#define BODY(n_vectors)                                                                                     \
    do {                                                                                                    \
        VECTOR sums[n_vectors], centres[n_vectors];                                                         \
        UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                     \
        {                                                                                                   \
            sums[v] = LOAD(sum + c + v * LANES);                                                            \
            centres[v] = LOAD(centre + c + v * LANES);                                                      \
        }                                                                                                   \
        for (size_t p = 0; p < n; p++)                                                                      \
            UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                 \
            {                                                                                               \
                const VECTOR d = SUBTRACT(LOAD(x + p * channels + c + v * LANES), centres[v]);              \
                sums[v] = MULTIPLY_ADD(d, d, sums[v]);                                                      \
            }                                                                                               \
        UNROLL for (size_t v = 0; v < (n_vectors); v++) STORE(sum + c + v * LANES, sums[v]);                \
    } while (0)
    FOR_BLOCKS(channels, BODY)
    {
        float total = sum[c];
        for (size_t p = 0; p < n; p++) {
            const float d = x[p * channels + c] - centre[c];
            total += d * d;
        }
        sum[c] = total;
    }
#undef BODY
}

static void norm_scale(size_t n, size_t channels, const float *x, const float *scale, const float *shift, float slope,
                       float *y)
{
    const VECTOR slopes = BROADCAST(&slope);
#define BODY(n_vectors)                                                                                     \
    do {                                                                                                    \
        VECTOR scales[n_vectors], shifts[n_vectors];                                                        \
        UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                     \
        {                                                                                                   \
            scales[v] = LOAD(scale + c + v * LANES);                                                        \
            shifts[v] = LOAD(shift + c + v * LANES);                                                        \
        }                                                                                                   \
        for (size_t p = 0; p < n; p++)                                                                      \
            UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                 \
            {                                                                                               \
                const size_t i = p * channels + c + v * LANES;                                              \
                const VECTOR z = MULTIPLY_ADD(scales[v], LOAD(x + i), shifts[v]);                           \
                STORE(y + i, COMPARE_SELECT(z, z, MULTIPLY(slopes, z)));                                    \
            }                                                                                               \
    } while (0)
    FOR_BLOCKS(channels, BODY)
    {
        for (size_t i = c; i < n * channels; i += channels) {
            const float z = SCALAR_MULTIPLY_ADD(scale[c], x[i], shift[c]);
            y[i] = z > 0 ? z : slope * z;
        }
    }
#undef BODY
}

static void norm_scale_sums(size_t n, size_t channels, const float *x, const float *dy, const float *scale,
                            const float *shift, const float *centre, float slope, float *sum, float *product)
{
    const VECTOR slopes = BROADCAST(&slope);
#define BODY(n_vectors)                                                                                     \
    do {                                                                                                    \
        VECTOR sums[n_vectors], products[n_vectors], scales[n_vectors], shifts[n_vectors],                  \
            centres[n_vectors];                                                                             \
        UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                     \
        {                                                                                                   \
            sums[v] = LOAD(sum + c + v * LANES);                                                            \
            products[v] = LOAD(product + c + v * LANES);                                                    \
            scales[v] = LOAD(scale + c + v * LANES);                                                        \
            shifts[v] = LOAD(shift + c + v * LANES);                                                        \
            centres[v] = LOAD(centre + c + v * LANES);                                                      \
        }                                                                                                   \
        for (size_t p = 0; p < n; p++)                                                                      \
            UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                 \
            {                                                                                               \
                const size_t i = p * channels + c + v * LANES;                                              \
                const VECTOR value = LOAD(x + i), d = LOAD(dy + i);                                         \
                const VECTOR z = MULTIPLY_ADD(scales[v], value, shifts[v]);                                 \
                const VECTOR g = COMPARE_SELECT(z, d, MULTIPLY(slopes, d));                                 \
                sums[v] = ADD(sums[v], g);                                                                  \
                products[v] = MULTIPLY_ADD(g, SUBTRACT(value, centres[v]), products[v]);                    \
            }                                                                                               \
        UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                     \
        {                                                                                                   \
            STORE(sum + c + v * LANES, sums[v]);                                                            \
            STORE(product + c + v * LANES, products[v]);                                                    \
        }                                                                                                   \
    } while (0)
    FOR_BLOCKS(channels, BODY)
    {
        float total = sum[c], total_product = product[c];
        for (size_t i = c; i < n * channels; i += channels) {
            const float z = SCALAR_MULTIPLY_ADD(scale[c], x[i], shift[c]), g = z > 0 ? dy[i] : slope * dy[i];
            total += g;
            total_product += g * (x[i] - centre[c]);
        }
        sum[c] = total;
        product[c] = total_product;
    }
#undef BODY
}

static void norm_scale_back(size_t n, size_t channels, const float *x, const float *dy, const float *scale,
                            const float *shift, float slope, const float *by_x, const float *constant, float *dx)
{
    const VECTOR slopes = BROADCAST(&slope);
#define BODY(n_vectors)                                                                                     \
    do {                                                                                                    \
        VECTOR scales[n_vectors], shifts[n_vectors], factors[n_vectors], constants[n_vectors];              \
        UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                     \
        {                                                                                                   \
            scales[v] = LOAD(scale + c + v * LANES);                                                        \
            shifts[v] = LOAD(shift + c + v * LANES);                                                        \
            factors[v] = LOAD(by_x + c + v * LANES);                                                        \
            constants[v] = LOAD(constant + c + v * LANES);                                                  \
        }                                                                                                   \
        for (size_t p = 0; p < n; p++)                                                                      \
            UNROLL for (size_t v = 0; v < (n_vectors); v++)                                                 \
            {                                                                                               \
                const size_t i = p * channels + c + v * LANES;                                              \
                const VECTOR value = LOAD(x + i), d = LOAD(dy + i);                                         \
                const VECTOR z = MULTIPLY_ADD(scales[v], value, shifts[v]);                                 \
                const VECTOR g = COMPARE_SELECT(z, d, MULTIPLY(slopes, d));                                 \
                STORE(dx + i, MULTIPLY_ADD(scales[v], g, MULTIPLY_ADD(factors[v], value, constants[v])));   \
            }                                                                                               \
    } while (0)
    FOR_BLOCKS(channels, BODY)
    {
        for (size_t i = c; i < n * channels; i += channels) {
            const float z = SCALAR_MULTIPLY_ADD(scale[c], x[i], shift[c]), g = z > 0 ? dy[i] : slope * dy[i];
            dx[i] = scale[c] * g + (by_x[c] * x[i] + constant[c]);
        }
    }
#undef BODY
}

#undef FOR_BLOCKS
#endif
