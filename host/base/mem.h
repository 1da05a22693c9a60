/* Memory of the host. */
#ifndef TD__MEM_H
#define TD__MEM_H

#include <stddef.h>
#include <td/abi.h>

/* A bump allocator: everything in it is freed at once. */
typedef struct td__arena td__arena;
td__arena *td__arena_new(void); /* NULL: out of memory */
void td__arena_free(td__arena *a);
void td__arena_reset(td__arena *a); /* empties it, keeping its memory for what comes next */
void *td__arena_alloc(td__arena *a, size_t bytes); /* zeroed, 16-byte aligned; NULL: out of memory */
char *td__arena_dup(td__arena *a, const char *s, size_t n);              /* n bytes and a NUL */
char *td__arena_printf(td__arena *a, const char *fmt, ...) TD_PRINTF(2, 3);

/* Grows an array to hold at least n elements, doubling; 0, or -1 and nothing changed. */
int td__grow(void *array_ptr, size_t *capacity, size_t n, size_t element);
char *td__strdup(const char *s);
char *td__printf(const char *fmt, ...) TD_PRINTF(1, 2); /* malloc'ed; NULL: out of memory */

/* malloc for what may be large; free frees it.  Large blocks ask for huge pages: who streams through memory otherwise
 * waits for address translation, and for a page fault every 4 KiB at first.  NULL: out of memory. */
void *td__host_alloc(size_t bytes);

#endif
