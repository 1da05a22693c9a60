#include "host/base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"

#define LONGEST 96

/* Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours. */
int td__distance(const char *a, const char *b, int limit)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST || abs((int)n - (int)m) > limit)
        return limit + 1;
    int rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *cur = rows[i % 3], *prev = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        cur[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int d = prev[j - 1] + (a[i - 1] != b[j - 1]);
            if (prev[j] + 1 < d)
                d = prev[j] + 1;
            if (cur[j - 1] + 1 < d)
                d = cur[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            cur[j] = d;
        }
    }
    return rows[n % 3][m] > limit ? limit + 1 : rows[n % 3][m];
}

size_t td__nearest(const char *name, const char *const *names, size_t n, const char **out, size_t want)
{
    int limit = (int)strlen(name) / 3 + 1, best[16];
    size_t found = 0;
    if (want > 16)
        want = 16;
    for (size_t i = 0; i < n; i++) {
        int d = td__distance(name, names[i], limit);
        if (d > limit)
            continue;
        size_t k = found < want ? found++ : want;
        while (k > 0 && best[k - 1] > d) {
            if (k < want) {
                best[k] = best[k - 1];
                out[k] = out[k - 1];
            }
            k--;
        }
        if (k < want) {
            best[k] = d;
            out[k] = names[i];
        }
    }
    return found;
}

char *td__suggestion(const char *name, const char *const *names, size_t n, char *buf, size_t size)
{
    const char *near[3];
    size_t found = td__nearest(name, names, n, near, 3);
    int best = found ? td__distance(name, near[0], LONGEST) : 0;
    buf[0] = 0;
    if ((size_t)best >= strlen(name)) /* nothing of it is right */
        found = 0;
    while (found > 1 && td__distance(name, near[found - 1], LONGEST) > best + 1) /* much further than the best: noise */
        found--;
    if (found == 1)
        snprintf(buf, size, " (did you mean '%s'?)", near[0]);
    else if (found == 2)
        snprintf(buf, size, " (did you mean '%s' or '%s'?)", near[0], near[1]);
    else if (found == 3)
        snprintf(buf, size, " (did you mean '%s', '%s' or '%s'?)", near[0], near[1], near[2]);
    return buf;
}

int td__word_in(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p && n && *p;) {
        size_t len = strcspn(p, " |");
        if (len == n && !memcmp(p, word, n))
            return 1;
        p += len;
        p += strspn(p, " |");
    }
    return 0;
}

json_t *td__text_json(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    char *copy = value ? NULL : td__strdup(text);
    for (char *p = copy; p && *p; p++)
        if (*p & 0x80)
            *p = '?';
    if (copy)
        value = json_string(copy);
    free(copy);
    return value;
}
