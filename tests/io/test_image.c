#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/mem.h"
#include "host/io/image.h"
#include "tests/paths.h"

static const char *const names[] = {"colour.jpg", "progressive.jpg", "grey.jpg",    "cmyk.jpg", "colour.png",
                                    "grey.png",   "alpha.png",       "palette.png", "bits.png", "deep.png"};
#define NAMES (sizeof names / sizeof *names)

static uint8_t *read_test_file(const char *name, const char *suffix, size_t *size)
{
    char *name_in = td__printf("tests/io/images/%s%s", name, suffix), *path = source_path(name_in);
    uint8_t *bytes = td__file_read(path, size);
    cr_assert_not_null(bytes, "%s", path);
    free(path);
    free(name_in);
    return bytes;
}

Test(image, decodes_as_pillow_does)
{
    for (size_t i = 0; i < NAMES; i++) {
        size_t size, n;
        uint8_t *bytes = read_test_file(names[i], "", &size), *want = read_test_file(names[i], ".rgb", &n);
        char why[256] = "";
        td__image im;
        cr_assert_eq(td__image_decode(bytes, size, &im, why, sizeof why), 0, "%s: %s", names[i], why);
        cr_assert(im.width == 21 && im.height == 13 && im.channels == 3 && n == 21 * 13 * 3, "%s", names[i]);
        int worst = 0;
        for (size_t k = 0; k < n; k++)
            worst = abs(im.pixels[k] - want[k]) > worst ? abs(im.pixels[k] - want[k]) : worst;
        cr_assert_eq(worst, 0, "%s: off by %d", names[i], worst);
        td__image_free(&im);
        free(bytes);
        free(want);
    }
}

/* Half a picture is no picture: every cut before the end marker is an error that says so. */
Test(image, cut_files_are_errors)
{
    for (size_t i = 0; i < NAMES; i++) {
        size_t size;
        uint8_t *bytes = read_test_file(names[i], "", &size);
        for (size_t cut = 0; cut + 2 < size; cut++) {
            uint8_t *part = malloc(cut + 1); /* of exactly this size, for AddressSanitizer */
            memcpy(part, bytes, cut);
            char why[256] = "";
            td__image im;
            cr_assert_eq(td__image_decode(part, cut, &im, why, sizeof why), -1, "%s cut to %zu", names[i], cut);
            cr_assert(why[0] && !im.pixels);
            free(part);
        }
        free(bytes);
    }
}

/* Whatever is flipped, decoding ends and reads nothing outside. */
Test(image, broken_files_do_not_crash)
{
    for (size_t i = 0; i < NAMES; i++) {
        size_t size;
        uint8_t *bytes = read_test_file(names[i], "", &size);
        for (size_t k = 0; k < size; k++) {
            char why[256];
            td__image im;
            bytes[k] ^= (uint8_t)(1u << k % 8);
            if (!td__image_decode(bytes, size, &im, why, sizeof why))
                td__image_free(&im);
            bytes[k] ^= (uint8_t)(1u << k % 8);
        }
        free(bytes);
    }
}

Test(image, says_what_it_is_not)
{
    char why[256];
    td__image im;
    cr_assert_eq(td__image_decode("GIF89a..........", 16, &im, why, sizeof why), -1);
    cr_assert_str_eq(why, "neither JPEG nor PNG");
}
