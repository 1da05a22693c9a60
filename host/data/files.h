/* Files as plugins read them: the services behind td_api.read_file and decode_image. */
#ifndef TD__DATA_FILES_H
#define TD__DATA_FILES_H

#include "host/base/ctx.h"

/* A whole file in the current frame, with gzip undone when `gunzip`.  NULL and c fails with the file's name. */
void *td__read_file(td_ctx *c, const char *path, int32_t gunzip, size_t *size);
/* A JPEG or PNG file's pixels as the item's image, RGB.  0, or c fails; `name` stands before the reason. */
int32_t td__decode_image(td_ctx *c, const void *bytes, size_t size, const char *name, td_item *item);

#endif
