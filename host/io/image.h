/* Images through libjpeg-turbo and libpng. */
#ifndef TD__IMAGE_H
#define TD__IMAGE_H

#include <stddef.h>
#include <stdint.h>

typedef struct td__image {
    int32_t width, height, channels; /* channels 3: RGB */
    uint8_t *pixels;                 /* HWC, malloc'ed */
} td__image;

/* Decodes JPEG or PNG (by content) to 8-bit RGB; grey is spread, alpha dropped, 16 bits narrowed, CMYK converted.
 * A truncated or broken file is an error, never a half picture.  0, or -1 with a message. */
int td__image_decode(const void *bytes, size_t size, td__image *out, char *why, size_t why_size);
void td__image_free(td__image *image);

#endif
