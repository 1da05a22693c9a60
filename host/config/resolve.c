/* Plain scalars as PyYAML 6 resolves them (yaml/resolver.py, YAML 1.1), plus numbers as YAML 1.2 writes them: 1e-4,
 * 1e5, -.5.  Dates stay strings. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/config/load.h"

#define DIGITS "0123456789"

static int is_word(const char *list, const char *s)
{
    return !strchr(s, ' ') && !strchr(s, '|') && td__word_in(list, s);
}

/* s without underscores and sign, up to 400 characters; the length, or 0 where it is longer. */
static size_t strip(const char *s, char out[401])
{
    size_t n = 0;
    for (s += *s == '-' || *s == '+'; *s; s++) {
        if (*s == '_')
            continue;
        if (n == 400)
            return 0;
        out[n++] = *s;
    }
    out[n] = 0;
    return n;
}

/* `90:30:15` counts in sixties. The part after the first colon is (:[0-5]?[0-9])+, then `end`. */
static int is_sexagesimal(const char *s, char end)
{
    size_t n = strspn(s, DIGITS "_");
    if (!n || s[0] == '_' || s[n] != ':')
        return 0;
    for (s += n; *s == ':'; s += n) {
        s++;
        n = strspn(s, DIGITS);
        if (n < 1 || n > 2 || (n == 2 && *s > '5'))
            return 0;
    }
    return *s == end;
}

static double sexagesimal(const char *digits)
{
    double v = 0;
    for (char *p = (char *)(uintptr_t)digits;; p++) {
        v = v * 60 + strtod(p, &p);
        if (*p != ':')
            return v;
    }
}

/* The base of an integer as written, 60 for sexagesimal; 0: it is none. */
static int integer_base(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t n = strlen(s);
    if (!strncmp(s, "0b", 2) && n > 2 && strspn(s + 2, "01_") == n - 2)
        return 2;
    if (!strncmp(s, "0x", 2) && n > 2 && strspn(s + 2, DIGITS "abcdefABCDEF_") == n - 2)
        return 16;
    if (*s == '0' && n > 1 && strspn(s, "01234567_") == n)
        return 8;
    if (!strcmp(s, "0") || (*s >= '1' && *s <= '9' && strspn(s, DIGITS "_") == n))
        return 10;
    return *s != '0' && is_sexagesimal(s, 0) ? 60 : 0;
}

/* [-+]?digits[.digits][e[-+]digits] with at least one of point and exponent, and at least one digit before it. */
static int is_decimal(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t whole = *s == '_' ? 0 : strspn(s, DIGITS "_"), point = s[whole] == '.', fraction = 0;
    if (point && s[whole + 1] != '_')
        fraction = strspn(s + whole + 1, DIGITS "_");
    else if (point && whole)
        fraction = strspn(s + whole + 1, DIGITS "_");
    if (!whole && !fraction)
        return 0;
    s += whole + point + fraction;
    int exponent = *s == 'e' || *s == 'E';
    if (exponent) {
        s += 1 + (s[1] == '-' || s[1] == '+');
        size_t n = strspn(s, DIGITS);
        if (!n)
            return 0;
        s += n;
    }
    return !*s && (point || exponent);
}

static int to_integer(td__node *n, int base)
{
    char digits[401];
    int negative = n->text[0] == '-';
    if (!strip(n->text, digits))
        return -1;
    if (base == 60) {
        n->f = sexagesimal(digits);
        if (n->f >= 9e15)
            return -1;
        n->i = (int64_t)n->f;
    } else {
        char *end = digits + (base == 2 || base == 16 ? 2 : 0);
        if (!*end) /* 0x_ */
            return -1;
        errno = 0;
        unsigned long long v = strtoull(end, &end, base);
        if (errno || v > (unsigned long long)INT64_MAX)
            return -1;
        n->i = (int64_t)v;
    }
    n->i = negative ? -n->i : n->i;
    n->f = (double)n->i;
    n->kind = TD__INT;
    return 0;
}

static void to_float(td__node *n, double magnitude)
{
    n->kind = TD__FLOAT;
    n->f = n->text[0] == '-' ? -magnitude : magnitude;
}

int td__resolve_scalar(td__node *n)
{
    const char *s = n->text, *magnitude = s + (*s == '-' || *s == '+');
    char digits[401];
    if (!*s || is_word("~ null Null NULL", s)) {
        n->kind = TD__NULL;
    } else if (is_word("yes Yes YES true True TRUE on On ON", s)) {
        n->kind = TD__BOOL;
        n->i = 1;
    } else if (is_word("no No NO false False FALSE off Off OFF", s)) {
        n->kind = TD__BOOL;
    } else if (integer_base(s)) {
        return to_integer(n, integer_base(s));
    } else if (is_word(".inf .Inf .INF", magnitude)) {
        to_float(n, INFINITY);
    } else if (is_word(".nan .NaN .NAN", s)) {
        to_float(n, NAN);
    } else if (is_decimal(s) && strip(s, digits)) {
        to_float(n, strtod(digits, NULL));
    } else if (is_sexagesimal(magnitude, '.') && strspn(strchr(s, '.') + 1, DIGITS "_") == strlen(strchr(s, '.') + 1) &&
               strip(s, digits)) {
        to_float(n, sexagesimal(digits));
    }
    return 0;
}
