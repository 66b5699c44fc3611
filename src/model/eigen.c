// SPDX-License-Identifier: MIT
/* Rows of A are rotated against each other until all are orthogonal: they are then eigenvectors times eigenvalues,
 * since the rows of a symmetric A = V L V' become L V' under rotations from the left. */
#include "model/eigen.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_SWEEPS = 60 };
static const double TOLERANCE = 1e-12, NEGLIGIBLE = 1e-11; /* of the largest row */

/* a . b with four sums, since one would wait for itself. */
static double dot(const double *a, const double *b, size_t n)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++) sums[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sums[0] += a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* Makes two rows of squared lengths *aa and *bb orthogonal and brings these up to date.  False when they were
 * already, or when one is only rounding (below `negligible`) and would turn for ever. */
static bool rotate(double *a, double *b, size_t n, double *aa, double *bb, double negligible)
{
    if (!(*aa > negligible && *bb > negligible)) return false;
    const double ab = dot(a, b, n);
    if (!(fabs(ab) > TOLERANCE * sqrt(*aa * *bb))) return false;
    const double zeta = (*bb - *aa) / (2 * ab);
    const double t = (zeta >= 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    const double c = 1 / sqrt(1 + t * t), s = c * t;
    for (size_t i = 0; i < n; i++) {
        const double x = a[i], y = b[i];
        a[i] = c * x - s * y;
        b[i] = s * x + c * y;
    }
    *aa -= t * ab;
    *bb += t * ab;
    return true;
}

static void swap_rows(double *a, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

void tb_eigen_symmetric(double *matrix, size_t n, double *values)
{
    bool moved = true;
    for (int sweep = 0; sweep < MAX_SWEEPS && moved; sweep++) {
        double largest = 0;
        for (size_t i = 0; i < n; i++) {
            values[i] = dot(matrix + i * n, matrix + i * n, n); /* afresh, since updates gather rounding */
            if (values[i] > largest) largest = values[i];
        }
        const double negligible = largest * NEGLIGIBLE * NEGLIGIBLE;
        moved = false;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t j = i + 1; j < n; j++)
                moved |= rotate(matrix + i * n, matrix + j * n, n, &values[i], &values[j], negligible);
    }
    for (size_t i = 0; i < n; i++) values[i] = sqrt(dot(matrix + i * n, matrix + i * n, n));
    for (size_t i = 0; i < n; i++) {
        size_t largest = i;
        for (size_t j = i + 1; j < n; j++)
            if (values[j] > values[largest]) largest = j;
        if (largest != i) {
            const double value = values[i];
            values[i] = values[largest];
            values[largest] = value;
            swap_rows(matrix + i * n, matrix + largest * n, n);
        }
        double *row = matrix + i * n;
        if (values[i] > 0)
            for (size_t k = 0; k < n; k++) row[k] /= values[i];
    }
}
