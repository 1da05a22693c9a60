#include "host/train/report.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/log.h"

/* ---- the folder ---- */

static char *default_dir(const char *config)
{
    char when[32];
    time_t now = time(NULL);
    struct tm tm;
    const char *base = strrchr(config, '/') ? strrchr(config, '/') + 1 : config;
    const char *dot = strrchr(base, '.');
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
    return td__printf("runs/%.*s-%s", (int)(dot ? dot - base : (long)strlen(base)), base, when);
}

static int is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    return n == 0;
}

static int write_config(td__experiment *x, const char *path)
{
    td__replace r;
    if (td__replace_begin(&r, path))
        return -1;
    if (td__node_write(x->cfg.root, r.out)) {
        td__replace_drop(&r);
        return -1;
    }
    return td__replace_commit(&r);
}

/* ---- the same configuration? ---- */

static int scalar_differs(const td__node *a, const td__node *b)
{
    if (a->kind != b->kind)
        return 1;
    if (a->kind == TD__BOOL || a->kind == TD__INT)
        return a->i != b->i;
    if (a->kind == TD__FLOAT)
        return a->f != b->f;
    if (a->kind == TD__NULL) /* however it was written */
        return 0;
    return strcmp(a->text ? a->text : "", b->text ? b->text : "") != 0;
}

/* 1 and the path of the first difference: in `path`, which holds what leads here. */
static int differs(const td__node *a, const td__node *b, char *path, size_t size);

static int item_differs(const td__node *a, const td__node *b, const char *name, char *path, size_t size)
{
    size_t n = strlen(path);
    snprintf(path + n, size - n, "%s%s", n ? "." : "", name);
    if (differs(a, b, path, size))
        return 1;
    path[n] = 0;
    return 0;
}

static int map_differs(const td__node *a, const td__node *b, char *path, size_t size)
{
    for (size_t i = 0; i < a->n; i++)
        if (item_differs(a->items[i], td__node_get((td__node *)(uintptr_t)b, a->keys[i]->text), a->keys[i]->text, path,
                         size))
            return 1;
    for (size_t i = 0; i < b->n; i++)
        if (item_differs(td__node_get((td__node *)(uintptr_t)a, b->keys[i]->text), b->items[i], b->keys[i]->text, path,
                         size))
            return 1;
    return 0;
}

static int differs(const td__node *a, const td__node *b, char *path, size_t size)
{
    if (!a || !b)
        return a != b;
    if (scalar_differs(a, b))
        return 1;
    if (a->kind == TD__MAP)
        return map_differs(a, b, path, size);
    size_t n = a->kind == TD__CALL ? 2 : a->n;
    if (!a->items || !b->items || (a->kind != TD__CALL && a->n != b->n))
        return a->n != b->n;
    for (size_t i = 0; i < n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        if (item_differs(a->items[i], b->items[i], a->kind == TD__CALL ? (i ? "kwargs" : "args") : name, path, size))
            return 1;
    }
    return 0;
}

static int check_same(td__experiment *x, const char *path)
{
    td__config before;
    char where[512] = "";
    int code = TD__EXIT_OK;
    if (td__config_load(&before, path, NULL, 0)) {
        td__diag_print(&before.diag, stderr);
        code = TD__EXIT_CONFIG;
    } else if (differs(before.root, x->cfg.root, where, sizeof where)) {
        td__log(TD_LOG_ERROR,
                "--resume: '%s' is not what it was when this run began (%s): go on with the same configuration, "
                "or begin a new run with another --out",
                where, path);
        code = TD__EXIT_CONFIG;
    }
    td__config_free(&before);
    return code;
}

/* ---- opening ---- */

/* Drops a last line that a full disk or a crash cut short. */
static int drop_cut_line(const char *path)
{
    size_t n = 0;
    char *text = td__file_read(path, &n);
    size_t whole = n;
    while (whole && text[whole - 1] != '\n')
        whole--;
    free(text);
    return whole < n ? truncate(path, (off_t)whole) : 0;
}

/* To append to, locked as long as it is open: two runs would delete each other's checkpoints. */
static int open_log(td__report *r, const char *path)
{
    r->log = fopen(path, "ae");
    if (r->log && !flock(fileno(r->log), LOCK_EX | LOCK_NB) && !drop_cut_line(path))
        return TD__EXIT_OK;
    int taken = r->log && errno == EWOULDBLOCK;
    td__log(TD_LOG_ERROR, "%s: %s", path, taken ? "another run writes to this folder" : strerror(errno));
    return taken ? TD__EXIT_USAGE : TD__EXIT_FAILED;
}

static int prepare(td__report *r, td__experiment *x, const char *config, const char *log)
{
    const td__run_options *o = x->options;
    int code = TD__EXIT_OK;
    if (o->resume && is_empty(r->dir)) {
        td__log(TD_LOG_ERROR, "--resume: %s holds no run", r->dir);
        return TD__EXIT_USAGE;
    }
    if (o->resume) {
        code = check_same(x, config);
    } else if (!is_empty(r->dir)) {
        td__log(TD_LOG_ERROR, "%s is not empty: --resume goes on with what is there, another --out begins anew",
                r->dir);
        code = TD__EXIT_USAGE;
    }
    if (!code && td__make_dirs(r->checkpoints)) {
        td__log(TD_LOG_ERROR, "%s: %s", r->dir, strerror(errno));
        code = TD__EXIT_FAILED;
    }
    if (code || (code = open_log(r, log)))
        return code;
    if ((!o->resume && write_config(x, config)) || td__file_hash(config, r->config_hash)) {
        td__log(TD_LOG_ERROR, "%s: %s", r->dir, strerror(errno));
        return TD__EXIT_FAILED;
    }
    return TD__EXIT_OK;
}

int td__report_open(td__report *r, td__experiment *x)
{
    memset(r, 0, sizeof *r);
    if (x->options->resume && !x->options->out) {
        td__log(TD_LOG_ERROR, "--resume needs --out, the folder of the run to go on with");
        return TD__EXIT_USAGE;
    }
    r->dir = x->options->out ? td__strdup(x->options->out) : default_dir(x->options->config);
    r->checkpoints = r->dir ? td__printf("%s/checkpoints", r->dir) : NULL;
    char *config = r->dir ? td__printf("%s/config.yaml", r->dir) : NULL;
    char *log = r->dir ? td__printf("%s/log.jsonl", r->dir) : NULL;
    int code = TD__EXIT_FAILED;
    if (!r->checkpoints || !config || !log)
        td__log(TD_LOG_ERROR, "out of memory");
    else
        code = prepare(r, x, config, log);
    free(config);
    free(log);
    return code;
}

void td__report_close(td__report *r)
{
    if (r->log)
        fclose(r->log);
    free(r->dir);
    free(r->checkpoints);
    memset(r, 0, sizeof *r);
}

int td__report_log(td_ctx *c, td__report *r, json_t *line)
{
    int failed = !line || json_dumpf(line, r->log, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) ||
                 fputc('\n', r->log) == EOF || fflush(r->log);
    if (failed)
        td__fail(c, "%s/log.jsonl: %s", r->dir, strerror(errno));
    json_decref(line);
    return failed ? -1 : 0;
}
