/* The one-dimensional transforms of winograd.h, each on vectors of channels; a tile takes them along both axes.
 *
 * They are Cook and Toom's for the points 0, A, -A, B, -B and infinity, with A = 5/8 and B = 3/2.  Usual are 1 and 2;
 * with these errors are a third of that (Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd
 * Convolution for Deep Neural Networks", 2020, tells why), and the coefficients of A and B below are exact. */
#ifndef TD__CPU_WINOGRAD_TRANSFORM_H
#define TD__CPU_WINOGRAD_TRANSFORM_H

#include "host/backend/cpu/vec.h"

#define TILE 4              /* results along an axis of a tile */
#define EDGE 6              /* sources along an axis */
#define ELEMENTS (EDGE * EDGE)

#define A 0.625f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)
/* What the transform of a filter divides by: the products of a point's distances to the others. */
#define AT_0 (1 / (A2 * B2))
#define AT_A (1 / (2 * A2 * (A2 - B2)))
#define AT_B (1 / (2 * B2 * (B2 - A2)))

/* Two elements of B' d: of pair 0 the first and the last, of pair 1 the second and third, of pair 2 the other two. */
TD__INLINE void winograd_source_pair(int pair, const vec d[EDGE], vec t[2])
{
    if (pair == 0) {
        t[0] = A2 * B2 * d[0] + (d[4] - (A2 + B2) * d[2]);
        t[1] = A2 * B2 * d[1] + (d[5] - (A2 + B2) * d[3]);
    } else {
        float point = pair == 1 ? A : B, other = pair == 1 ? B2 : A2;
        vec even = d[4] - other * d[2], odd = d[3] - other * d[1];
        t[0] = even + point * odd;
        t[1] = even - point * odd;
    }
}
TD__INLINE int winograd_pair_element(int pair, int i) { return pair ? 2 * pair - 1 + i : 5 * i; }

/* B' d. */
TD__INLINE void winograd_source(const vec d[EDGE], vec t[EDGE])
{
    vec ends[2];
    winograd_source_pair(0, d, ends);
    winograd_source_pair(1, d, t + 1);
    winograd_source_pair(2, d, t + 3);
    t[0] = ends[0];
    t[5] = ends[1];
}

/* A' m. */
TD__INLINE void winograd_result(const vec m[EDGE], vec y[TILE])
{
    vec a = m[1] + m[2], a_odd = m[1] - m[2], b = m[3] + m[4], b_odd = m[3] - m[4];
    y[0] = m[0] + a + b;
    y[1] = A * a_odd + B * b_odd;
    y[2] = A2 * a + B2 * b;
    y[3] = m[5] + A * A2 * a_odd + B * B2 * b_odd;
}

/* Two elements of A y, in pairs as above. */
TD__INLINE void winograd_gradient_pair(int pair, const vec y[TILE], vec t[2])
{
    if (pair == 0) {
        t[0] = y[0];
        t[1] = y[3];
    } else {
        float point = pair == 1 ? A : B;
        vec even = y[0] + point * point * y[2], odd = y[1] + point * point * y[3];
        t[0] = even + point * odd;
        t[1] = even - point * odd;
    }
}

/* A y. */
TD__INLINE void winograd_gradient(const vec y[TILE], vec t[EDGE])
{
    t[0] = y[0];
    winograd_gradient_pair(1, y, t + 1);
    winograd_gradient_pair(2, y, t + 3);
    t[5] = y[3];
}

/* G g. */
TD__INLINE void winograd_filter(const vec g[3], vec t[EDGE])
{
    vec a = AT_A * g[0] + AT_A * A2 * g[2], a_odd = AT_A * A * g[1];
    vec b = AT_B * g[0] + AT_B * B2 * g[2], b_odd = AT_B * B * g[1];
    t[0] = AT_0 * g[0];
    t[1] = a + a_odd;
    t[2] = a - a_odd;
    t[3] = b + b_odd;
    t[4] = b - b_odd;
    t[5] = g[2];
}

/* G' s. */
TD__INLINE void winograd_filter_gradient(const vec s[EDGE], vec g[3])
{
    vec a = s[1] + s[2], b = s[3] + s[4];
    g[0] = AT_0 * s[0] + AT_A * a + AT_B * b;
    g[1] = AT_A * A * (s[1] - s[2]) + AT_B * B * (s[3] - s[4]);
    g[2] = s[5] + AT_A * A2 * a + AT_B * B2 * b;
}

#undef A
#undef B
#undef A2
#undef B2

#endif
