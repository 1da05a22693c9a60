#include "drawn.h"

#include <string.h>

const char *const shape_names[SHAPES] = {"disc",     "ring", "crescent", "triangle", "square",
                                         "pentagon", "star", "cross",    "arrow",    "heart"};

#define TURN 6.283185307179586

static void add(struct shape *s, int contour, double x, double y)
{
    s->p[contour][s->n[contour]++] = (struct point){(float)x, (float)y};
}

/* n points of a circle, from one angle to another (both included when `to` is no full turn away). */
static void add_arc(struct shape *s, int contour, int n, double x, double radius, double from, double to)
{
    int gaps = fabs(to - from) > TURN - 1e-9 ? n : n - 1;
    for (int i = 0; i < n; i++) {
        double angle = from + (to - from) * i / gaps;
        add(s, contour, x + radius * cos(angle), radius * sin(angle));
    }
}

static void add_points(struct shape *s, const double (*xy)[2], int n)
{
    for (int i = 0; i < n; i++)
        add(s, 0, xy[i][0], xy[i][1]);
}

void make_shapes(struct shape shapes[SHAPES])
{
    static const double cross[][2] = {{-0.95, -0.3}, {-0.3, -0.3}, {-0.3, -0.95}, {0.3, -0.95},
                                      {0.3, -0.3},   {0.95, -0.3}, {0.95, 0.3},   {0.3, 0.3},
                                      {0.3, 0.95},   {-0.3, 0.95}, {-0.3, 0.3},   {-0.95, 0.3}};
    static const double arrow[][2] = {{-1, -0.3}, {0, -0.3}, {0, -0.9}, {1, 0}, {0, 0.9}, {0, 0.3}, {-1, 0.3}};
    memset(shapes, 0, SHAPES * sizeof *shapes);
    add_arc(&shapes[0], 0, 28, 0, 0.9, 0, TURN);
    add_arc(&shapes[1], 0, 28, 0, 0.95, 0, TURN);
    add_arc(&shapes[1], 1, 28, 0, 0.55, 0, -TURN);
    add_arc(&shapes[2], 0, 18, 0, 0.95, 0.13 * TURN, 0.87 * TURN); /* outer rim, and the inner one back */
    add_arc(&shapes[2], 0, 14, 0.45, 0.72, 0.76 * TURN, 0.24 * TURN);
    add_arc(&shapes[3], 0, 3, 0, 1, 0, TURN);
    add_arc(&shapes[4], 0, 4, 0, 1, 0, TURN);
    add_arc(&shapes[5], 0, 5, 0, 0.97, 0, TURN);
    for (int i = 0; i < 10; i++)
        add(&shapes[6], 0, (i % 2 ? 0.45 : 1) * cos(TURN * i / 10), (i % 2 ? 0.45 : 1) * sin(TURN * i / 10));
    add_points(&shapes[7], cross, sizeof cross / sizeof *cross);
    add_points(&shapes[8], arrow, sizeof arrow / sizeof *arrow);
    for (int i = 0; i < 28; i++) { /* the classic parametric curve */
        double t = TURN * i / 28;
        double x = 16 * pow(sin(t), 3), y = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t);
        add(&shapes[9], 0, x / 17, -(y + 2) / 17);
    }
}

/* ---- painting: each edge adds to where coverage changes along its rows; a running sum gives coverage ---- */

typedef float changes[SIDE][SIDE + 2];

static float clip(float x) { return x < 0 ? 0 : x > SIDE ? SIDE : x; }

/* The integral up to x of the share of a row that lies left of x, for an edge that crosses the row from a to b. */
static float covered(float x, float a, float b)
{
    if (x <= a)
        return 0;
    return x >= b ? x - (a + b) / 2 : (x - a) * (x - a) / (2 * (b - a));
}

static void add_edge(changes rows, struct point from, struct point to)
{
    float sign = from.y < to.y ? 1 : -1;
    struct point top = from.y < to.y ? from : to, end = from.y < to.y ? to : from;
    if (top.y == end.y || end.y <= 0)
        return;
    float slope = (end.x - top.x) / (end.y - top.y);
    for (int y = top.y > 0 ? (int)top.y : 0; y < SIDE && (float)y < end.y; y++) {
        float y0 = fmaxf(top.y, (float)y), y1 = fminf(end.y, (float)(y + 1)), height = sign * (y1 - y0), before = 0;
        float x0 = clip(top.x + (y0 - top.y) * slope), x1 = clip(top.x + (y1 - top.y) * slope);
        float left = fminf(x0, x1), right = fmaxf(x0, x1);
        int column = (int)left;
        for (; (float)column < right; column++) {
            float now = height * (covered((float)(column + 1), left, right) - covered((float)column, left, right));
            rows[y][column] += now - before;
            before = now;
        }
        rows[y][column] += height - before;
    }
}

static float stripe(const struct paint *p, int x, int y)
{
    float t = ((float)x * p->along.x + (float)y * p->along.y) / p->period + p->phase;
    return t - floorf(t) < 0.5f ? 0 : 1;
}

void paint_shape(float *canvas, const struct shape *s, struct point at, struct point turn, float size,
                 const struct paint *p)
{
    changes rows;
    int first = (int)clip(at.y - size), last = (int)clip(at.y + size + 1);
    memset(rows, 0, sizeof rows);
    for (int contour = 0; contour < 2; contour++)
        for (int i = 0; i < s->n[contour]; i++) {
            struct point q[2];
            for (int k = 0; k < 2; k++) {
                struct point u = s->p[contour][(i + k) % s->n[contour]];
                q[k] = (struct point){at.x + size * (u.x * turn.x - u.y * turn.y),
                                      at.y + size * (u.x * turn.y + u.y * turn.x)};
            }
            add_edge(rows, q[0], q[1]);
        }
    for (int y = first; y < last; y++) {
        float sum = 0;
        for (int x = 0; x < SIDE; x++) {
            sum += rows[y][x];
            float cover = fminf(fabsf(sum), 1);
            if (cover < 1e-4f)
                continue;
            float *pixel = canvas + 3 * (y * SIDE + x);
            struct colour c = mix(p->a, p->b, stripe(p, x, y));
            for (int k = 0; k < 3; k++)
                pixel[k] += cover * (c.v[k] - pixel[k]);
        }
    }
}
