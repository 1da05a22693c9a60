/* DrawnShapes: a data set that needs no files.  Each 32x32 image shows one of ten shapes in any place, size and
 * direction, striped, on a shaded ground, among clutter and under noise; some shapes are easily taken for another
 * (disc and pentagon, ring and crescent, star and cross), which is what a teacher's soft outputs tell and a label does
 * not.  Part of the training labels may be wrong.  Image i is a function of (seed, part, i) alone, drawn when it is
 * asked for. */
#include "drawn.h"

#include <string.h>

struct drawn_params {
    int64_t length, seed;
    int32_t train;
    double label_noise, noise;
    int64_t clutter;
};

static const td_param drawn_table[] = {
    TD_PARAM_INT(struct drawn_params, length, "10000", "images", .min = 1, .max = 1e9),
    TD_PARAM_BOOL(struct drawn_params, train, "true", "the training part; else the test part, which has other images"),
    TD_PARAM_INT(struct drawn_params, seed, "0", "another seed, other images", .min = 0, .max = 1e15),
    TD_PARAM_FLOAT(struct drawn_params, label_noise, "0", "share of the training labels that are wrong", .min = 0,
                   .max = 1),
    TD_PARAM_FLOAT(struct drawn_params, noise, "0.1", "most that noise adds to or takes from a channel, of 1", .min = 0,
                   .max = 1),
    TD_PARAM_INT(struct drawn_params, clutter, "4", "stray pieces in an image", .min = 0, .max = 32),
    TD_PARAM_END};

struct drawn {
    struct drawn_params p;
    struct shape shapes[SHAPES];
};

/* The numbers of one image, one after the other. */
struct draws {
    uint64_t seed, part, index, next;
};

static float draw(struct draws *r, float low, float high)
{
    return low + (high - low) * (float)td_host->random(r->seed, r->part, r->index, r->next++);
}

/* Any direction as a unit vector, by rejection: no function of the C library whose last bit may differ. */
static struct point draw_direction(struct draws *r)
{
    for (;;) {
        struct point p = {draw(r, -1, 1), draw(r, -1, 1)};
        float square = p.x * p.x + p.y * p.y;
        if (square > 1e-2f && square <= 1)
            return (struct point){p.x / sqrtf(square), p.y / sqrtf(square)};
    }
}

static struct colour draw_colour(struct draws *r, float low, float high)
{
    return (struct colour){{draw(r, low, high), draw(r, low, high), draw(r, low, high)}};
}

/* A shape is always brighter than its ground: were it either, a small net would need long to learn what to look at. */
static struct colour draw_brighter(struct draws *r, struct colour c)
{
    for (int k = 0; k < 3; k++)
        c.v[k] += draw(r, 0.15f, 0.45f);
    return c;
}

static void paint_ground(float *canvas, struct colour a, struct colour b, struct point along)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float t = 0.5f + ((float)(x - SIDE / 2) * along.x + (float)(y - SIDE / 2) * along.y) / SIDE;
            struct colour c = mix(a, b, t < 0 ? 0 : t > 1 ? 1 : t);
            memcpy(canvas + 3 * (y * SIDE + x), c.v, sizeof c.v);
        }
}

/* A small triangle or quadrangle anywhere. */
static void paint_piece(float *canvas, struct draws *r, float largest)
{
    struct shape s = {.n = {draw(r, 0, 1) < 0.5f ? 3 : 4}};
    struct point turn = {1, 0}, at = {draw(r, 0, SIDE), draw(r, 0, SIDE)};
    float size = draw(r, 1.5f, largest);
    for (int i = 0; i < s.n[0]; i++) {
        struct point corner = draw_direction(r);
        float far = draw(r, 0.4f, 1);
        s.p[0][i] = (struct point){corner.x * far, corner.y * far};
    }
    struct paint flat = {.a = draw_colour(r, 0, 1), .period = 1};
    flat.b = flat.a;
    paint_shape(canvas, &s, at, turn, size, &flat);
}

/* Adds noise, two bytes of a counter's hash a channel, and rounds to 8 bits. */
static void develop(uint8_t *out, const float *canvas, double noise, uint64_t key)
{
    float scale = (float)noise;
    for (int i = 0; i < SIDE * SIDE * 3; i += 4) {
        uint64_t x = key + (uint64_t)i * 0x9e3779b97f4a7c15u; /* splitmix64 (Steele et al. 2014) */
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
        x = (x ^ x >> 27) * 0x94d049bb133111ebu;
        x ^= x >> 31;
        for (int k = 0; k < 4; k++, x >>= 16) {
            float grain = (float)((int)(x & 255) + (int)(x >> 8 & 255) - 255) / 255;
            float value = 255 * (canvas[i + k] + scale * grain) + 0.5f;
            out[i + k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

static struct draws draws_of(const struct drawn_params *p, int64_t index)
{
    return (struct draws){(uint64_t)p->seed, p->train ? 1 : 2, (uint64_t)index, 0};
}

static int64_t shape_of(int64_t index) { return index % SHAPES; }

static int64_t drawn_target(const void *data, int64_t index)
{
    const struct drawn_params *p = &((const struct drawn *)data)->p;
    struct draws r = draws_of(p, index);
    int wrong = draw(&r, 0, 1) < (float)p->label_noise && p->train;
    int64_t other = (int64_t)draw(&r, 1, SHAPES);
    return wrong ? (shape_of(index) + (other < SHAPES ? other : 1)) % SHAPES : shape_of(index);
}

static int32_t drawn_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    const struct drawn *d = data;
    struct draws r = draws_of(&d->p, index);
    float canvas[SIDE * SIDE * 3];
    uint8_t *out = td_item_image(item, SIDE, SIDE, 3);
    (void)c;
    if (!out)
        return TD_ERROR;
    r.next = 2; /* the first two are the label's */
    struct colour ground = draw_colour(&r, 0, 0.6f), main = draw_brighter(&r, ground);
    paint_ground(canvas, ground, mix(ground, draw_colour(&r, 0, 0.6f), 0.4f), draw_direction(&r));
    for (int64_t i = 1; i < d->p.clutter; i++)
        paint_piece(canvas, &r, 7);
    float size = draw(&r, 7, 12);
    struct point at = {draw(&r, size, SIDE - size), draw(&r, size, SIDE - size)}, turn = draw_direction(&r);
    struct paint striped = {.a = main,
                            .b = mix(main, ground, draw(&r, 0, 0.5f)),
                            .along = draw_direction(&r),
                            .period = draw(&r, 3, 8),
                            .phase = draw(&r, 0, 1)};
    paint_shape(canvas, &d->shapes[shape_of(index)], at, turn, size, &striped);
    if (d->p.clutter)
        paint_piece(canvas, &r, 3.5f);
    develop(out, canvas, d->p.noise, (uint64_t)(td_host->random(r.seed, r.part, r.index, r.next) * 0x1p53));
    td_item_of(item)->target = drawn_target(data, index);
    return TD_OK;
}

static int32_t drawn_open(td_ctx *c, const void *params, void *data)
{
    struct drawn *d = data;
    (void)c;
    d->p = *(const struct drawn_params *)params;
    make_shapes(d->shapes);
    return TD_OK;
}

static int64_t drawn_length(const void *data) { return ((const struct drawn *)data)->p.length; }

static int64_t drawn_classes(const void *data)
{
    (void)data;
    return SHAPES;
}

static const char *drawn_class_name(const void *data, int64_t class)
{
    (void)data;
    return shape_names[class];
}

static const td_dataset_type drawn_shapes = {{.key = "DrawnShapes",
                                              .summary = "ten shapes, drawn on demand: needs no files",
                                              .params = drawn_table,
                                              .params_size = sizeof(struct drawn_params)},
                                             .data_size = sizeof(struct drawn),
                                             .open = drawn_open,
                                             .length = drawn_length,
                                             .get = drawn_get,
                                             .target = drawn_target,
                                             .classes = drawn_classes,
                                             .class_name = drawn_class_name};

TD_PLUGIN(drawn, "1.0.0", "MIT", "Drawn images: a data set without files", "dataset:DrawnShapes")
{
    td_register(reg, TD_KIND_DATASET, &drawn_shapes);
}
