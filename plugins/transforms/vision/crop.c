/* Cutting, padding and mirroring: pixels or values move, none is computed. */
#include "vision.h"

#include <math.h>
#include <string.h>

#define MODES "constant|edge|reflect|symmetric"

/* How an image goes on beyond its edges. */
struct border {
    const char *mode;
    const void *fill; /* one pixel */
};

/* Which position of [0, n) is seen at i; -1: the fill value. */
static int32_t source(int32_t i, int32_t n, const char *mode)
{
    if (i >= 0 && i < n)
        return i;
    if (mode[0] == 'c')
        return -1;
    if (mode[0] == 'e')
        return i < 0 ? 0 : n - 1;
    int32_t again = mode[0] == 's'; /* symmetric shows the edge twice, reflect once */
    int32_t period = 2 * n - 2 + 2 * again;
    if (period == 0)
        return 0;
    i = (i % period + period) % period;
    return i < n ? i : period - i - again;
}

/* Positions [begin, end) of one line of a window that starts at column x of the image; line NULL: beyond top or
 * bottom. */
static void draw_border(char *out, int32_t begin, int32_t end, const char *line, int32_t x, const td_item_view *v,
                        const struct border *b)
{
    size_t pixel = pixel_size(v);
    for (int32_t i = begin; i < end; i++) {
        int32_t from = line ? source(x + i, v->width, b->mode) : -1;
        memcpy(out + (size_t)i * pixel, from < 0 ? b->fill : line + (size_t)from * pixel, pixel);
    }
}

/* Replaces the image by the window `at`, which may reach over its edges. */
static int32_t cut(td_item *item, struct rect at, const struct border *b)
{
    td_item_view v = td_item_of(item)->image;
    size_t pixel = pixel_size(&v);
    char *out = image_like(item, &v, at.w, at.h);
    if (!out)
        return TD_ERROR;
    /* Columns [first, last) of the window lie in the image. */
    int32_t first = at.x < 0 ? -at.x : 0, last = v.width - at.x < at.w ? v.width - at.x : at.w;
    for (int32_t y = 0; y < at.h; y++, out += pixel * (size_t)at.w) {
        int32_t row = source(at.y + y, v.height, b->mode);
        const char *line = row < 0 ? NULL : first_byte(&v) + (size_t)row * (size_t)v.width * pixel;
        if (!line) {
            draw_border(out, 0, at.w, NULL, at.x, &v, b);
            continue;
        }
        draw_border(out, 0, first, line, at.x, &v, b);
        memcpy(out + (size_t)first * pixel, line + (size_t)(at.x + first) * pixel, (size_t)(last - first) * pixel);
        draw_border(out, last, at.w, line, at.x, &v, b);
    }
    return TD_OK;
}

/* One pixel of the fill colour (one value or one a channel), as bytes of the image's kind.  0, or c fails. */
static int32_t fill_pixel(td_ctx *c, const td_floats *fill, const td_item_view *v, const char *who, void *pixel)
{
    if (v->channels > 4 || (fill->n != 1 && fill->n != v->channels)) {
        td_fail(c, "'fill' of %s has %lld values for an image of %d channels", who, (long long)fill->n,
                (int)v->channels);
        return TD_ERROR;
    }
    for (int32_t k = 0; k < v->channels; k++) {
        double value = fill->v[fill->n > 1 ? k : 0];
        if (v->pixels)
            ((uint8_t *)pixel)[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        else
            ((float *)pixel)[k] = (float)value;
    }
    return TD_OK;
}

/* left, top, right, bottom from one, two or four numbers; whether they are such. */
static int sides_of(const td_ints *padding, int32_t side[4])
{
    int64_t n = padding->n;
    int ok = n == 0 || n == 1 || n == 2 || n == 4;
    for (int i = 0; ok && i < 4; i++) {
        int64_t length = n ? padding->v[i % n] : 0;
        ok = length >= 0 && length <= 1 << 16;
        side[i] = ok ? (int32_t)length : 0;
    }
    return ok;
}

/* The same; 0, or c fails. */
static int32_t read_padding(td_ctx *c, const td_ints *padding, const char *who, int32_t side[4])
{
    int ok = sides_of(padding, side);
    if (!ok)
        td_fail(c, "'padding' of %s is one, two or four numbers from 0 to 65536", who);
    return ok ? TD_OK : TD_ERROR;
}

struct crop_params {
    td_ints size, padding;
    int32_t pad_if_needed;
    td_floats fill;
    const char *padding_mode;
};

static const td_param crop_table[] = {
    TD_PARAM_INTS(struct crop_params, size, NULL, "of what is cut out: one length or (height, width)"),
    TD_PARAM_INTS(struct crop_params, padding, "null",
                  "all sides, (sides, top and bottom) or (left, top, right, bottom)", .flags = TD_NULLABLE),
    TD_PARAM_BOOL(struct crop_params, pad_if_needed, "false", "pads images that are smaller than size"),
    TD_PARAM_FLOATS(struct crop_params, fill, "0", "colour of constant padding: one value or one a channel"),
    TD_PARAM_STRING(struct crop_params, padding_mode, "constant", "what padding shows", .choices = MODES),
    TD_PARAM_END};

/* The padded image is never made: the window is cut from where it would lie in it. */
static int32_t crop_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct crop_params *p = params;
    td_item_view v = td_item_of(item)->image;
    int32_t w, h, side[4];
    float fill[4];
    if (read_size(c, &p->size, "RandomCrop", &w, &h) || read_padding(c, &p->padding, "RandomCrop", side) ||
        fill_pixel(c, &p->fill, &v, "RandomCrop", fill))
        return TD_ERROR;
    int32_t width = v.width + side[0] + side[2], height = v.height + side[1] + side[3];
    int32_t more_x = p->pad_if_needed && width < w ? w - width : 0,
            more_y = p->pad_if_needed && height < h ? h - height : 0;
    width += 2 * more_x; /* as torchvision: what is missing is added on both sides */
    height += 2 * more_y;
    if (w > width || h > height) {
        td_fail(c, "RandomCrop cannot cut %d x %d from an image that is %d x %d with its padding", h, w, height, width);
        return TD_ERROR;
    }
    struct rect at = {random_below(item, 1, width - w + 1) - side[0] - more_x,
                      random_below(item, 0, height - h + 1) - side[1] - more_y, w, h};
    struct border beyond = {p->padding_mode, fill};
    return cut(item, at, &beyond);
}

static int32_t crop_augment(const void *params, td_augment_attrs *a)
{
    const struct crop_params *p = params;
    int32_t side[4];
    if (a->done != TD_AUGMENT_PIXELS || p->padding_mode[0] != 'c' || !is_size(&p->size) ||
        !sides_of(&p->padding, side) || (p->fill.n != 1 && p->fill.n != a->channels))
        return 0;
    const int64_t h = p->size.v[0], w = p->size.v[p->size.n - 1];
    if (w > a->width + side[0] + side[2] || h > a->height + side[1] + side[3])
        return 0;
    for (int64_t k = 0; k < a->channels; k++) {
        double value = p->fill.v[p->fill.n > 1 ? k : 0];
        a->fill[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
    a->left = side[0];
    a->top = side[1];
    a->right = side[2];
    a->bottom = side[3];
    a->height = h;
    a->width = w;
    a->crop_use = a->use;
    a->done = TD_AUGMENT_CROPPED;
    return 1;
}

const td_transform_type random_crop = {
    {.key = "RandomCrop",
     .aliases = "torchvision.transforms.RandomCrop torchvision.transforms.transforms.RandomCrop",
     .summary = "cuts a window at a random place, after padding",
     .params = crop_table,
     .params_size = sizeof(struct crop_params)},
    .apply = crop_apply,
    .augment = crop_augment};

struct center_params {
    td_ints size;
};

static const td_param center_table[] = {
    TD_PARAM_INTS(struct center_params, size, NULL, "of what is cut out: one length or (height, width)"), TD_PARAM_END};

/* Where a window of n starts in m positions, rounding halves as torchvision does: below zero where it pads. */
static int32_t centre(int32_t m, int32_t n) { return n > m ? -((n - m) / 2) : (int32_t)rint((m - n) / 2.0); }

static int32_t center_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct center_params *p = params;
    static const float black[64];
    td_item_view v = td_item_of(item)->image;
    int32_t w, h;
    if (read_size(c, &p->size, "CenterCrop", &w, &h))
        return TD_ERROR;
    if (pixel_size(&v) > sizeof black) {
        td_fail(c, "CenterCrop cannot take an image of %d channels", (int)v.channels);
        return TD_ERROR;
    }
    struct rect at = {centre(v.width, w), centre(v.height, h), w, h};
    struct border beyond = {"constant", black};
    return cut(item, at, &beyond);
}

const td_transform_type center_crop = {
    {.key = "CenterCrop",
     .aliases = "torchvision.transforms.CenterCrop torchvision.transforms.transforms.CenterCrop",
     .summary = "cuts the middle out; what is smaller gets a black border",
     .params = center_table,
     .params_size = sizeof(struct center_params)},
    .apply = center_apply};

struct pad_params {
    td_ints padding;
    td_floats fill;
    const char *padding_mode;
};

static const td_param pad_table[] = {
    TD_PARAM_INTS(struct pad_params, padding, NULL, "all sides, (sides, top and bottom) or (left, top, right, bottom)"),
    TD_PARAM_FLOATS(struct pad_params, fill, "0", "colour of constant padding: one value or one a channel"),
    TD_PARAM_STRING(struct pad_params, padding_mode, "constant", "what padding shows", .choices = MODES),
    TD_PARAM_END};

static int32_t pad_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct pad_params *p = params;
    td_item_view v = td_item_of(item)->image;
    int32_t side[4];
    float fill[4];
    if (read_padding(c, &p->padding, "Pad", side) || fill_pixel(c, &p->fill, &v, "Pad", fill))
        return TD_ERROR;
    struct rect at = {-side[0], -side[1], v.width + side[0] + side[2], v.height + side[1] + side[3]};
    struct border beyond = {p->padding_mode, fill};
    return cut(item, at, &beyond);
}

const td_transform_type pad = {{.key = "Pad",
                                .aliases = "torchvision.transforms.Pad",
                                .summary = "adds a border",
                                .params = pad_table,
                                .params_size = sizeof(struct pad_params)},
                               .apply = pad_apply};

struct flip_params {
    double p;
};

static const td_param flip_table[] = {TD_PARAM_FLOAT(struct flip_params, p, "0.5", "how likely", .min = 0, .max = 1),
                                      TD_PARAM_END};

static inline __attribute__((always_inline)) void mirror(char *out, const char *in, int32_t w, size_t pixel)
{
    for (in += (size_t)w * pixel; w--; out += pixel)
        memcpy(out, in -= pixel, pixel);
}

/* One line; the usual sizes of a pixel on their own, so that the compiler sees them. */
static void mirror_line(char *out, const char *in, int32_t w, size_t pixel)
{
    if (pixel == 3)
        mirror(out, in, w, 3);
    else if (pixel == 3 * sizeof(float))
        mirror(out, in, w, 3 * sizeof(float));
    else
        mirror(out, in, w, pixel);
}

static int32_t flip(const struct flip_params *p, td_item *item, int32_t vertical)
{
    if (td_item_random(item, 0) >= p->p)
        return TD_OK;
    td_item_view v = td_item_of(item)->image;
    size_t pixel = pixel_size(&v), line = pixel * (size_t)v.width;
    char *out = image_like(item, &v, v.width, v.height);
    for (int32_t y = 0; out && y < v.height; y++)
        if (vertical)
            memcpy(out + (size_t)y * line, first_byte(&v) + (size_t)(v.height - 1 - y) * line, line);
        else
            mirror_line(out + (size_t)y * line, first_byte(&v) + (size_t)y * line, v.width, pixel);
    return out ? TD_OK : TD_ERROR;
}

static int32_t horizontal_apply(td_ctx *c, const void *params, td_item *item)
{
    (void)c;
    return flip(params, item, 0);
}

static int32_t horizontal_augment(const void *params, td_augment_attrs *a)
{
    if (a->done > TD_AUGMENT_CROPPED)
        return 0;
    a->flip = ((const struct flip_params *)params)->p;
    a->flip_use = a->use;
    a->done = TD_AUGMENT_FLIPPED;
    return 1;
}

const td_transform_type horizontal_flip = {
    {.key = "RandomHorizontalFlip",
     .aliases = "torchvision.transforms.RandomHorizontalFlip torchvision.transforms.transforms.RandomHorizontalFlip",
     .summary = "mirrors left and right with probability p",
     .params = flip_table,
     .params_size = sizeof(struct flip_params)},
    .apply = horizontal_apply,
    .augment = horizontal_augment};

static int32_t vertical_apply(td_ctx *c, const void *params, td_item *item)
{
    (void)c;
    return flip(params, item, 1);
}

const td_transform_type vertical_flip = {{.key = "RandomVerticalFlip",
                                          .aliases = "torchvision.transforms.RandomVerticalFlip",
                                          .summary = "mirrors top and bottom with probability p",
                                          .params = flip_table,
                                          .params_size = sizeof(struct flip_params)},
                                         .apply = vertical_apply};
