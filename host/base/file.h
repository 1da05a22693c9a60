/* Files: whole reads, and writes that never cost what was there. */
#ifndef TD__FILE_H
#define TD__FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <td/abi.h>

/* A whole file in memory (malloc'ed, with a NUL after the last byte).  NULL: errno is set. */
void *td__file_read(const char *path, size_t *size);
/* The same through zlib where the file is gzip (plain files pass); NULL: message in why. */
void *td__file_gunzip(const char *path, size_t *size, char *why, size_t why_size);

/* Replaces a file atomically: write to `out`, then commit (flush, fsync, rename, fsync of the folder) or drop. */
typedef struct td__replace {
    FILE *out;
    char *path, *temporary;
} td__replace;
int td__replace_begin(td__replace *r, const char *path); /* 0, or -1 with errno */
int td__replace_commit(td__replace *r);                  /* likewise; everything is freed either way */
void td__replace_drop(td__replace *r);

int td__make_dirs(const char *path);                      /* like mkdir -p; 0, or -1 with errno */
char *td__expand_user(const char *path);                  /* `~` and `~/x`; malloc'ed */
uint64_t td__hash(const void *bytes, size_t n, uint64_t seed); /* FNV-1a, 64 bits; 0 starts */
int td__file_hash(const char *path, char hex[65]);        /* SHA-256 of a file's content; 0, or -1 with errno */

#endif
