/* Filling a plugin's struct from YAML by its parameter table. */
#ifndef TD__BIND_H
#define TD__BIND_H

#include "host/config/node.h"
#include <td/td.h>

/* Fills `out` (table's struct, zeroed first) from a map (NULL or null: all defaults).  `owner` is the key for messages:
 *   exp.yaml:41:12: unknown key 'tempreature' in KDLoss (did you mean 'temperature'?)
 *   exp.yaml:42:15: 'temperature' in KDLoss is a number, not a string ("hot")
 *   exp.yaml:40:9: KDLoss needs 'temperature' (softens both distributions)
 *   exp.yaml:43:10: 'reduction' in KDLoss is 'man'; it may be mean, sum or batchmean (did you mean 'mean'?)
 * Strings, lists and structs live in cfg's arena.  0, or -1 with everything wrong in cfg->diag. */
int td__bind(td__config *cfg, td__node *map, const char *owner, const td_param *table, uint32_t size, void *out);
/* Positional arguments (`args:`) bind to the table's entries in order, then kwargs by name. */
int td__bind_call(td__config *cfg, td__node *args, td__node *kwargs, const char *owner, td__place at,
                  const td_param *table, uint32_t size, void *out);
/* From flow text, e.g. layer arguments.  The params live in cfg's arena; why gets the message. */
int td__bind_text(td__config *cfg, const char *text, const char *owner, const td_param *table, uint32_t size, void *out,
                  char *why, size_t why_size);

/* Calls fn for every tap the bound struct holds, nested ones included. */
void td__bind_taps(const td_param *table, const void *params, void (*fn)(const td_tap *tap, void *user), void *user);

/* "name: type = default   doc" lines, nested tables indented, for `describe`. */
void td__print_params(const td_param *table, int indent, FILE *out);
/* The same as a JSON array of {name, type, default, required, doc[, parameters]}; NULL: out of memory. */
struct json_t *td__params_json(const td_param *table);

#endif
