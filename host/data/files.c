#include "host/data/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/data/item.h"
#include "host/io/image.h"
#include "host/tensor/tensor.h"

void *td__read_file(td_ctx *c, const char *path, int32_t gunzip, size_t *size)
{
    char why[256];
    if (c->error)
        return NULL;
    void *bytes = gunzip ? td__file_gunzip(path, size, why, sizeof why) : td__file_read(path, size);
    if (!bytes) {
        if (gunzip)
            td__fail(c, "%s", why); /* names the file */
        else
            td__fail(c, "%s: %s", path, strerror(errno));
        return NULL;
    }
    void *copy = td__frame_alloc(c, *size + 1);
    if (copy)
        memcpy(copy, bytes, *size);
    free(bytes);
    return copy;
}

int32_t td__decode_image(td_ctx *c, const void *bytes, size_t size, const char *name, td_item *item)
{
    char why[256];
    td__image image;
    if (c->error)
        return TD_ERROR;
    if (td__image_decode(bytes, size, &image, why, sizeof why)) {
        td__fail(c, "%s: %s", name, why);
        return TD_ERROR;
    }
    uint8_t *out = td__item_image(item, image.width, image.height, image.channels);
    if (out)
        memcpy(out, image.pixels, (size_t)image.width * (size_t)image.height * (size_t)image.channels);
    td__image_free(&image);
    return out ? TD_OK : TD_ERROR;
}
