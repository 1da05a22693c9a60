/* Shapes and how they are painted. */
#ifndef DRAWN_H
#define DRAWN_H

#include <math.h>
#include <td/td.h>

#define SIDE 32
#define SHAPES 10
#define MOST_POINTS 32

struct point {
    float x, y;
};

struct colour {
    float v[3];
};

/* A polygon, and perhaps another one the other way round: a hole.  It lies in the unit circle. */
struct shape {
    int n[2];
    struct point p[2][MOST_POINTS];
};

/* Two colours in stripes. */
struct paint {
    struct colour a, b;
    struct point along; /* unit vector across the stripes */
    float period, phase;
};

extern const char *const shape_names[SHAPES];
void make_shapes(struct shape shapes[SHAPES]);

static inline struct colour mix(struct colour a, struct colour b, float t)
{
    for (int k = 0; k < 3; k++)
        a.v[k] += t * (b.v[k] - a.v[k]);
    return a;
}

/* Paints a shape of this size (radius in pixels) at a place, turned by a unit vector, on [SIDE][SIDE][3] values.
 * Pixels it covers in part are mixed by the exact share. */
void paint_shape(float *canvas, const struct shape *s, struct point at, struct point turn, float size,
                 const struct paint *p);

#endif
