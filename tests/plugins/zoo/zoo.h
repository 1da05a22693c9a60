/* Parts of which the zoo's plugins are made, some of them by hand where TD_PLUGIN would not let them go wrong. */
#ifndef ZOO_H
#define ZOO_H

#include <td/td.h>

static inline td_tensor *zoo_compare(td_ctx *c, const void *params, td_tensor *input, td_tensor *target)
{
    (void)c, (void)params, (void)target;
    return input;
}

/* A loss that is right in all respects. */
#define ZOO_LOSS(name) {.type = {.key = name, .summary = "of the zoo"}, .compare = zoo_compare}

/* The note alone, with any text. */
#define ZOO_NOTE(json) \
    static const struct { \
        uint32_t namesz, descsz, type; \
        char name[8]; \
        char desc[sizeof(json)]; \
    } zoo_note __attribute__((used, section(".note.tdhost.plugin"), aligned(4))) = { \
        sizeof TD_NOTE_OWNER, sizeof(json), TD_NOTE_TYPE, TD_NOTE_OWNER, json}

#define ZOO_MANIFEST(abi, id, provides) \
    "{\"abi\":" abi ",\"id\":\"" id "\",\"version\":\"1.0\",\"licence\":\"MIT\",\"summary\":\"of the zoo\",\"provides\":\"" provides "\"}"

/* An entry function by hand: ZOO_ENTRY(api, reg) { ... } */
#define ZOO_ENTRY(api, reg) \
    const td_api *td_host; \
    TD_EXPORT int32_t td_plugin_entry(const td_api *, td_registrar *); \
    TD_EXPORT int32_t td_plugin_entry(const td_api *api, td_registrar *reg)

#endif
