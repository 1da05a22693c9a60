/* tdhost SDK: parameter tables.
 *
 * A plugin describes the struct it wants filled; the host reads the YAML, checks names, types, ranges and
 * choices, reports mistakes with file, line, column and the nearest name, and hands over the filled struct.
 * The same table is what `tdhost describe` prints and the manual is made of.
 *
 *     struct kd_params { td_tap student, teacher; double temperature, alpha; };
 *     static const td_param kd_table[] = {
 *         TD_TAP_STUDENT(struct kd_params, student, "student_module_path", "student_module_io", "."),
 *         TD_TAP_TEACHER(struct kd_params, teacher, "teacher_module_path", "teacher_module_io", "."),
 *         TD_PARAM_FLOAT(struct kd_params, temperature, NULL, "softens both distributions", .min = 1e-6),
 *         TD_PARAM_FLOAT(struct kd_params, alpha, "null", "weight of the hard loss", .flags = TD_NULLABLE),
 *         TD_PARAM_END };
 *
 * A parameter is required where its default is NULL.  A default is YAML text and is read like the user's.
 */
#ifndef TD_PARAM_H
#define TD_PARAM_H

#include <td/abi.h>

/* Types, and what the struct holds at `offset`. */
#define TD_P_INT 1u     /* int64_t */
#define TD_P_FLOAT 2u   /* double */
#define TD_P_BOOL 3u    /* int32_t, 0 or 1 */
#define TD_P_STRING 4u  /* const char * */
#define TD_P_INTS 5u    /* td_ints; a lone number is a list of one */
#define TD_P_FLOATS 6u  /* td_floats; likewise */
#define TD_P_STRINGS 7u /* td_strings; likewise */
#define TD_P_STRUCT 8u  /* the struct itself, filled by `fields` */
#define TD_P_LIST 9u    /* td_list of structs, each filled by `fields` */
#define TD_P_MAP 10u /* the same from a mapping, in document order; keys in td_list.keys; without `fields` of doubles */
#define TD_P_TAP 11u    /* td_tap: the module path of one side */
#define TD_P_TAP_IO 12u /* td_tap: `input` or `output` of the tap at the same offset */
#define TD_P_OBJECT 13u /* void *: an object of the kind named in `choices` (e.g. "dataset") */
#define TD_P_FILE 14u   /* const char *: a path, `~` expanded */
#define TD_P_LAYER 15u  /* td_layer_spec: {key, kwargs} of a layer, built later by td_layer_of */
#define TD_P_MODEL 16u  /* td_layer_spec: {key, kwargs} of a model, built later by td_model_of; since 0.5 */

/* Flags. */
#define TD_NULLABLE 1u        /* `null` is allowed: TD_NONE_INT, NaN, NULL, or an empty list; a null struct is zero.  A
                                default of "null" says the same */
#define TD_SIDE_STUDENT 2u    /* taps: which network */
#define TD_SIDE_TEACHER 4u    /* taps: neither flag: the sibling parameter `is_from_teacher` says */
#define TD_PARAM_IGNORED 8u   /* accepted for compatibility, without effect here; offset unused */
#define TD_AS_WRITTEN 64u       /* STRING, STRINGS: numbers too, as they are written */
#define TD_PARAM_SAMPLES 128u   /* INT: how many samples of the training data set something is kept for, one row each;
                                fewer than it has are an error in the plan; since 0.5 */
#define TD_PARAM_OPEN 16u     /* on TD_PARAM_END: further names are accepted with a note, as upstream's **kwargs */

#define TD_TAP_INPUT 32u      /* a TD_P_TAP without a TD_P_TAP_IO beside it: its input; else its output */

#define TD_NONE_INT INT64_MIN

typedef struct td_ints { const int64_t *v; int64_t n; } td_ints;
typedef struct td_floats { const double *v; int64_t n; } td_floats;
typedef struct td_strings { const char *const *v; int64_t n; } td_strings;
typedef struct td_list { const void *v; const char *const *keys; int64_t n; } td_list;

#define TD_INPUT 0u
#define TD_OUTPUT 1u
#define TD_STUDENT 0u
#define TD_TEACHER 1u

/* One tensor (or tuple) of a network: the input or output of the module at `path` ("." is the network). */
typedef struct td_tap {
    const char *path;
    uint32_t io;   /* TD_INPUT, TD_OUTPUT */
    uint32_t side; /* TD_STUDENT, TD_TEACHER */
} td_tap;

/* A layer or model the user describes: its registered key and its arguments, already checked. */
typedef struct td_layer_spec { const char *key; const void *args; } td_layer_spec;

/* In C++ designated initializers follow this order. */
typedef struct td_param {
    const char *name;
    uint32_t type, offset;   /* offset: into the struct */
    const char *def;         /* YAML text; NULL: required */
    const char *doc;         /* one line */
    uint32_t flags, size;    /* size: of one element of STRUCT, LIST, MAP */
    const char *choices;     /* STRING: "a|b|c"; OBJECT: the kind */
    double min, max;         /* INT, FLOAT and elements of INTS, FLOATS: both limits when min < max, else only min when
                                one of them is not 0 */
    const struct td_param *fields; /* STRUCT, LIST, MAP; one field called "": the element itself, not a map */
} td_param;

#define TD__P(ty, s, member, default_, ...) \
    { .name = #member, .type = (ty), .offset = (uint32_t)offsetof(s, member), .def = (default_), .doc = __VA_ARGS__ }
/* (struct, member, default, doc, further fields as .field = value) */
#define TD_PARAM_INT(s, member, def, ...) TD__P(TD_P_INT, s, member, def, __VA_ARGS__)
#define TD_PARAM_FLOAT(s, member, def, ...) TD__P(TD_P_FLOAT, s, member, def, __VA_ARGS__)
#define TD_PARAM_BOOL(s, member, def, ...) TD__P(TD_P_BOOL, s, member, def, __VA_ARGS__)
#define TD_PARAM_STRING(s, member, def, ...) TD__P(TD_P_STRING, s, member, def, __VA_ARGS__)
#define TD_PARAM_INTS(s, member, def, ...) TD__P(TD_P_INTS, s, member, def, __VA_ARGS__)
#define TD_PARAM_FLOATS(s, member, def, ...) TD__P(TD_P_FLOATS, s, member, def, __VA_ARGS__)
#define TD_PARAM_STRINGS(s, member, def, ...) TD__P(TD_P_STRINGS, s, member, def, __VA_ARGS__)
#define TD_PARAM_FILE(s, member, def, ...) TD__P(TD_P_FILE, s, member, def, __VA_ARGS__)
#define TD_PARAM_LAYER(s, member, def, ...) TD__P(TD_P_LAYER, s, member, def, __VA_ARGS__)
/* with the kind of the object */
#define TD_PARAM_OBJECT(s, member, kind, def, ...) TD__P(TD_P_OBJECT, s, member, def, __VA_ARGS__, .choices = (kind))
/* with the table and the size of one element */
#define TD_PARAM_STRUCT(s, member, table, esize, def, ...) \
    TD__P(TD_P_STRUCT, s, member, def, __VA_ARGS__, .size = (uint32_t)(esize), .fields = (table))
#define TD_PARAM_LIST(s, member, table, esize, def, ...) \
    TD__P(TD_P_LIST, s, member, def, __VA_ARGS__, .size = (uint32_t)(esize), .fields = (table))
#define TD_PARAM_MAP(s, member, table, esize, def, ...) \
    TD__P(TD_P_MAP, s, member, def, __VA_ARGS__, .size = (uint32_t)(esize), .fields = (table))
/* a mapping of names to numbers: td_list of doubles */
#define TD_PARAM_FLOAT_MAP(s, member, def, ...)                                                                        \
    TD__P(TD_P_MAP, s, member, def, __VA_ARGS__, .size = (uint32_t)sizeof(double))
/* Two entries: the path and the io of one tap.  def_path NULL: required. */
#define TD__TAP(s, member, path_name, io_name, def_path, side) \
    { .name = (path_name), .type = TD_P_TAP, .offset = (uint32_t)offsetof(s, member), .def = (def_path), \
      .doc = "path of the tapped module", .flags = (side) }, \
    { .name = (io_name), .type = TD_P_TAP_IO, .offset = (uint32_t)offsetof(s, member), .def = "output", \
      .doc = "which end of that module", .flags = (side), .choices = "input|output" }
#define TD_TAP_STUDENT(s, member, path_name, io_name, def) TD__TAP(s, member, path_name, io_name, def, TD_SIDE_STUDENT)
#define TD_TAP_TEACHER(s, member, path_name, io_name, def) TD__TAP(s, member, path_name, io_name, def, TD_SIDE_TEACHER)
/* Side from the sibling parameter `is_from_teacher` (a TD_PARAM_BOOL). */
#define TD_TAP_EITHER(s, member, path_name, io_name, def) TD__TAP(s, member, path_name, io_name, def, 0u)
/* A path only: the output of the module there (flags | TD_TAP_INPUT: its input).  A wrapper's taps are of the network
 * it wraps, whichever side the table says. */
#define TD_TAP_PATH(s, member, path_name, def_path, flags_, doc_)                                                      \
    {                                                                                                                  \
        .name = (path_name), .type = TD_P_TAP, .offset = (uint32_t)offsetof(s, member), .def = (def_path),             \
        .doc = (doc_), .flags = (flags_)                                                                               \
    }
/* `{path: ..., io: ...}` as one parameter: TD_PARAM_TAP(s, member, td_student_tap, doc). */
struct td__tap_box { td_tap tap; };
#define TD__TAP_FIELDS(table, side)                                                                                    \
    __attribute__((unused)) static const td_param table[] = {                                                          \
        TD__TAP(struct td__tap_box, tap, "path", "io", NULL, side), {.name = NULL}}
#define TD_PARAM_TAP(s, member, fields, ...) TD_PARAM_STRUCT(s, member, fields, sizeof(td_tap), NULL, __VA_ARGS__)
#define TD_PARAM_UNUSED(name_, doc_) \
    { .name = (name_), .type = TD_P_STRING, .def = "null", .doc = (doc_), .flags = TD_PARAM_IGNORED | TD_NULLABLE }
#define TD_PARAM_END { .name = NULL }
#define TD_PARAM_END_OPEN { .name = NULL, .flags = TD_PARAM_OPEN }

/* A linear layer as configurations describe one: a struct's member by TD_PARAM_STRUCT(s, member, td_linear_table,
 * sizeof(td_linear_kwargs), def, doc); its module by td_linear_layer. */
typedef struct td_linear_kwargs {
    int64_t in_features, out_features;
    int32_t bias, reserved;
} td_linear_kwargs;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* C++ warns of designated ones too */
TD__TAP_FIELDS(td_student_tap, TD_SIDE_STUDENT);
TD__TAP_FIELDS(td_teacher_tap, TD_SIDE_TEACHER);
__attribute__((unused)) static const td_param td_linear_table[] = {
    TD_PARAM_INT(td_linear_kwargs, in_features, NULL, "length of what goes in", .min = 1, .max = 1e9),
    TD_PARAM_INT(td_linear_kwargs, out_features, NULL, "length of what comes out", .min = 1, .max = 1e6),
    TD_PARAM_BOOL(td_linear_kwargs, bias, "true", "whether the layer has one"), TD_PARAM_END};
#pragma GCC diagnostic pop

#endif
