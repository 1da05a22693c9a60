#include "host/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "host/base/mem.h"

void *td__file_read(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *bytes = NULL;
    size_t n = 0;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) || (S_ISDIR(st.st_mode) && (errno = EISDIR)))
        goto fail;
    size_t room = (size_t)st.st_size + 1;
    bytes = td__host_alloc(room);
    while (bytes) {
        ssize_t got = read(fd, bytes + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            goto fail;
        n += (size_t)got;
        if (got == 0)
            break;
        if (n == room) { /* longer than fstat said: a pipe, or it grows */
            char *more = realloc(bytes, room *= 2);
            if (!more)
                goto fail;
            bytes = more;
        }
    }
    if (!bytes)
        goto fail;
    close(fd);
    bytes[n] = 0; /* n < room: the loop grows the buffer when it is full */
    *size = n;
    return bytes;
fail:;
    int saved = errno;
    free(bytes);
    close(fd);
    errno = saved;
    return NULL;
}

void *td__file_gunzip(const char *path, size_t *size, char *why, size_t why_size)
{
    gzFile f = gzopen(path, "rbe");
    if (!f) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t n = 0, room = 1 << 20;
    char *bytes = malloc(room);
    int got = 0;
    while (bytes && (got = gzread(f, bytes + n, (unsigned)(room - n - 1 < 1u << 30 ? room - n - 1 : 1u << 30))) > 0) {
        n += (size_t)got;
        if (room - n < 2) {
            char *more = realloc(bytes, room *= 2);
            if (!more) {
                free(bytes);
                bytes = NULL;
                break;
            }
            bytes = more;
        }
    }
    int zerr = Z_OK;
    const char *text = gzerror(f, &zerr);
    if (!bytes)
        snprintf(why, why_size, "%s: out of memory", path);
    else if (got < 0 || zerr != Z_OK)
        snprintf(why, why_size, "%s: %s", path,
                 zerr == Z_ERRNO       ? strerror(errno)
                 : zerr == Z_BUF_ERROR ? "the compressed data is cut short"
                                       : text);
    if (!bytes || got < 0 || zerr != Z_OK) {
        free(bytes);
        gzclose(f);
        return NULL;
    }
    gzclose(f);
    bytes[n] = 0;
    *size = n;
    return bytes;
}

int td__replace_begin(td__replace *r, const char *path)
{
    memset(r, 0, sizeof *r);
    r->path = td__strdup(path);
    r->temporary = td__printf("%s.%ld.tmp", path, (long)getpid());
    if (r->path && r->temporary)
        r->out = fopen(r->temporary, "wbe");
    if (r->out)
        return 0;
    int saved = errno;
    free(r->path);
    free(r->temporary);
    memset(r, 0, sizeof *r);
    errno = saved;
    return -1;
}

/* Makes a rename last: the folder's entry must reach the disk too. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : td__strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, rc = -1;
    if (fd >= 0) {
        rc = fsync(fd);
        close(fd);
    }
    free(folder);
    return rc;
}

int td__replace_commit(td__replace *r)
{
    int bad = fflush(r->out) || ferror(r->out) || fsync(fileno(r->out));
    int saved = errno;
    if (fclose(r->out) && !bad) {
        bad = 1;
        saved = errno;
    }
    r->out = NULL;
    if (!bad && (rename(r->temporary, r->path) || sync_folder(r->path))) {
        bad = 1;
        saved = errno;
    }
    if (bad)
        unlink(r->temporary);
    free(r->path);
    free(r->temporary);
    memset(r, 0, sizeof *r);
    errno = saved;
    return bad ? -1 : 0;
}

void td__replace_drop(td__replace *r)
{
    if (r->out)
        fclose(r->out);
    if (r->temporary)
        unlink(r->temporary);
    free(r->path);
    free(r->temporary);
    memset(r, 0, sizeof *r);
}

int td__make_dirs(const char *path)
{
    char *p = td__strdup(path);
    if (!p)
        return -1;
    int rc = 0;
    for (char *s = p + 1; !rc && *s; s++)
        if (*s == '/') {
            *s = 0;
            rc = mkdir(p, 0777) && errno != EEXIST ? -1 : 0;
            *s = '/';
        }
    if (!rc && mkdir(p, 0777) && errno != EEXIST)
        rc = -1;
    struct stat st;
    if (!rc && (stat(p, &st) || !S_ISDIR(st.st_mode))) {
        errno = ENOTDIR;
        rc = -1;
    }
    int saved = errno;
    free(p);
    errno = saved;
    return rc;
}

char *td__expand_user(const char *path)
{
    if (path[0] != '~' || (path[1] && path[1] != '/'))
        return td__strdup(path);
    const char *home = getenv("HOME");
    if (!home || !*home) {
        const struct passwd *pw = getpwuid(getuid());
        home = pw ? pw->pw_dir : "~";
    }
    return td__printf("%s%s", home, path + 1);
}

uint64_t td__hash(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = seed ? seed : 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

int td__file_hash(const char *path, char hex[65])
{
    return SHA256File(path, hex) ? 0 : -1;
}
