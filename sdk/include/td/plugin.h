/* tdhost SDK: how a plugin says what it is.
 *
 *     TD_PLUGIN(kd, "1.0.0", "MIT", "Knowledge distillation (Hinton et al. 2014)", "loss:KDLoss")
 *     {
 *         td_register(reg, TD_KIND_LOSS, &kd_loss);
 *     }
 *
 * The manifest goes into an ELF note that `tdhost list-plugins` reads without running any code of the plugin.
 * `provides` names what will be registered as kind:key, separated by spaces; the host refuses a plugin that
 * registers something else.  Compiled with -DTD_STATIC_PLUGIN the same source is part of the host's program.
 */
#ifndef TD_PLUGIN_H
#define TD_PLUGIN_H

#include <td/kinds.h>

#define TD__STR_(x) #x
#define TD__STR(x) TD__STR_(x)
#define TD__CAT_(a, b) a##b
#define TD__CAT(a, b) TD__CAT_(a, b)

#define TD_NOTE_OWNER "TDHOST"
#define TD_NOTE_TYPE 1u
#define TD_ENTRY_NAME "td_plugin_entry"

/* What the host calls, once, after checking the note.  0, or an error already recorded. */
typedef int32_t (*td_plugin_entry_fn)(const td_api *, td_registrar *);

typedef struct td_static_plugin {
    const char *manifest; /* the same JSON */
    td_plugin_entry_fn entry;
} td_static_plugin;

#define TD__MANIFEST(id, version, licence, summary, provides) \
    "{\"abi\":[" TD__STR(TD_ABI_MAJOR) "," TD__STR(TD_ABI_USE_MINOR) "],\"id\":\"" #id "\",\"version\":\"" version \
    "\",\"licence\":\"" licence "\",\"summary\":\"" summary "\",\"provides\":\"" provides "\"}"

#ifdef TD_STATIC_PLUGIN
#define TD__PLUGIN_HEAD(id, json) \
    static int32_t td__entry(const td_api *, td_registrar *); \
    const td_static_plugin TD__CAT(td_static_plugin_, id); \
    const td_static_plugin TD__CAT(td_static_plugin_, id) = {json, td__entry}; \
    static int32_t td__entry(const td_api *api, td_registrar *reg)
#define TD__SET_HOST(api) ((void)(api))
#else
#define TD__PLUGIN_HEAD(id, json) \
    const td_api *td_host; \
    static const struct { \
        uint32_t namesz, descsz, type; \
        char name[8]; \
        char desc[sizeof(json)]; \
    } td__note __attribute__((used, section(".note.tdhost.plugin"), aligned(4))) = { \
        sizeof TD_NOTE_OWNER, sizeof(json), TD_NOTE_TYPE, TD_NOTE_OWNER, json}; \
    TD_EXPORT int32_t td_plugin_entry(const td_api *, td_registrar *); \
    TD_EXPORT int32_t td_plugin_entry(const td_api *api, td_registrar *reg)
#define TD__SET_HOST(api) (td_host = (api))
#endif

#define TD_PLUGIN(id, version, licence, summary, provides) \
    static void td__register(td_registrar *reg); \
    TD__PLUGIN_HEAD(id, TD__MANIFEST(id, version, licence, summary, provides)) \
    { \
        TD__SET_HOST(api); \
        td__register(reg); \
        return TD_OK; \
    } \
    static void td__register(td_registrar *reg)

/* Registers a descriptor (td_loss_type, td_model_type, ... by kind). */
#define td_register(reg, kind, descriptor)                                                                             \
    ((void)td_host->register_type((reg), (kind), (descriptor), sizeof *(descriptor)))

#endif
