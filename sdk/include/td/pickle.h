/* tdhost SDK: the service "td.pickle/1", Python pickles as plain values.
 *
 *     const td_pickle_api *pickle = td_host->get_interface(TD_PICKLE_SERVICE);
 *
 * Nothing in a file is executed.  Values live until their file is closed.  Every function but open may be called on any
 * thread and takes NULL for a value, as what is absent.
 */
#ifndef TD_PICKLE_H
#define TD_PICKLE_H

#include <td/host.h>

#define TD_PICKLE_SERVICE "td.pickle/1"

typedef struct td_pickle_file td_pickle_file;
typedef struct td_pickle_value td_pickle_value;

typedef struct td_pickle_api {
    uint32_t size, reserved;
    /* Reads the one pickle of a file.  NULL and an error with the file's name. */
    td_pickle_file *(*open)(td_ctx *, const char *path);
    void (*close)(td_pickle_file *); /* NULL is fine */
    const td_pickle_value *(*root)(const td_pickle_file *);
    /* The value of a key (str or bytes) of a dict; NULL where there is none. */
    const td_pickle_value *(*get)(const td_pickle_value *, const char *key);
    /* Items of a list or tuple: how many (-1: it is neither), and one (NULL where there is none). */
    int64_t (*length)(const td_pickle_value *);
    const td_pickle_value *(*at)(const td_pickle_value *, int64_t i);
    /* An int, str or bytes: 0 and the value, or -1 where it is something else.  Text has no NUL at its end. */
    int32_t (*integer)(const td_pickle_value *, int64_t *out);
    int32_t (*text)(const td_pickle_value *, const char **out, int64_t *size);
    /* A numpy array in C order of uint8, int32, int64, float32 or float64: 0, its type and shape, and its row-major
     * elements (perhaps unaligned); -1 where it is something else. */
    int32_t (*array)(const td_pickle_value *, td_desc *d, const void **data);
} td_pickle_api;

#endif
