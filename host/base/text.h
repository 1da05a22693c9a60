/* Small help with names. */
#ifndef TD__TEXT_H
#define TD__TEXT_H

#include <stddef.h>

/* Edit distance with transpositions, at most `limit` + 1. */
int td__distance(const char *a, const char *b, int limit);

/* Of n names the ones nearest to `name`, best first, at most `want`, into out; returns how many are near
 * enough to be worth suggesting. */
size_t td__nearest(const char *name, const char *const *names, size_t n, const char **out, size_t want);

/* The text " (did you mean 'a', 'b' or 'c'?)" of the nearest names into buf, empty where none is near; returns buf. */
char *td__suggestion(const char *name, const char *const *names, size_t n, char *buf, size_t size);

/* Whether word is one of the words of a list separated by spaces or '|'. */
int td__word_in(const char *list, const char *word);

struct json_t;
/* A JSON string, new.  JSON is UTF-8, names of files are bytes: what does not fit becomes '?'.  NULL text: null. */
struct json_t *td__text_json(const char *text);

#endif
