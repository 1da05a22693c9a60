/* What a plugin says about itself, read from its file without running any of it. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/plugin/plugins.h"

/* Our own ELF header, as the linker laid it out: what class and machine this host is. */
extern const ElfW(Ehdr) __ehdr_start TD_HIDDEN;

struct bytes {
    const unsigned char *at;
    size_t size;
};

static int inside(struct bytes b, uint64_t offset, uint64_t size)
{
    return offset <= b.size && size <= b.size - offset;
}

/* Text for one line of a terminal: whoever lists plugins must be able to trust what it prints. */
static int is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return 0;
    return 1;
}

/* One string of the manifest into *out.  -1: it is there but is no plain text, or memory is out. */
static int take_string(const json_t *object, const char *key, char **out)
{
    const json_t *value = json_object_get(object, key);
    if (value && (!json_is_string(value) || !is_plain(json_string_value(value))))
        return -1;
    *out = td__strdup(value ? json_string_value(value) : "");
    return *out ? 0 : -1;
}

/* A version number of the SDK; -1: it is none. */
static int version_number(const json_t *value)
{
    json_int_t v = json_is_integer(value) ? json_integer_value(value) : -1;
    return v >= 0 && v <= UINT16_MAX ? (int)v : -1;
}

static int check_provided(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    const char **bad = user;
    *bad = !kind ? "names a kind this host does not know" : !*key ? "has a kind without a key" : NULL;
    (void)kind_name;
    return *bad != NULL;
}

static int read_fields(const json_t *root, td__plugin *out, char *why, size_t why_size)
{
    struct { const char *name; char **to;
    } strings[] = {{"id", &out->id},
                   {"version", &out->version},
                   {"licence", &out->licence},
                   {"summary", &out->summary},
                   {"provides", &out->provides}};
    const char *bad = NULL;
    const json_t *abi = json_object_get(root, "abi");
    out->abi_major = version_number(json_array_get(abi, 0));
    out->abi_minor = version_number(json_array_get(abi, 1));
    if (out->abi_major < 0 || out->abi_minor < 0) {
        out->abi_major = out->abi_minor = 0;
        snprintf(why, why_size, "its tdhost note does not say which SDK it was built for");
        return -1;
    }
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (take_string(root, strings[i].name, strings[i].to)) {
            snprintf(why, why_size, "its tdhost note has a '%s' that is no plain text", strings[i].name);
            return -1;
        }
    if (out->abi_major != TD_ABI_MAJOR || out->abi_minor > TD_ABI_MINOR)
        return 0; /* what else it says may follow newer rules; the caller refuses it */
    if (!*out->id || !*out->provides)
        bad = "has no id or provides nothing";
    else
        td__each_provided(out, check_provided, &bad);
    if (bad)
        snprintf(why, why_size, "its tdhost note %s", bad);
    return bad ? -1 : 0;
}

int td__parse_manifest(const char *json, size_t size, td__plugin *out, char *why, size_t why_size)
{
    json_error_t error;
    json_t *root = json_loadb(json, size, 0, &error);
    if (!root) {
        snprintf(why, why_size, "its tdhost note is not JSON: %s", error.text);
        return -1;
    }
    int rc = read_fields(root, out, why, why_size);
    json_decref(root);
    return rc;
}

/* The description of our note in one PT_NOTE segment; {NULL} where there is none. */
static struct bytes find_note(struct bytes segment, uint64_t align)
{
    uint64_t at = 0, mask = align == 8 ? 7 : 3;
    ElfW(Nhdr) note;
    while (inside(segment, at, sizeof note)) {
        memcpy(&note, segment.at + at, sizeof note);
        uint64_t name = at + sizeof note, desc = (name + note.n_namesz + mask) & ~mask;
        if (!inside(segment, name, note.n_namesz) || !inside(segment, desc, note.n_descsz))
            break;
        if (note.n_type == TD_NOTE_TYPE && note.n_namesz == sizeof TD_NOTE_OWNER &&
            !memcmp(segment.at + name, TD_NOTE_OWNER, sizeof TD_NOTE_OWNER))
            return (struct bytes){segment.at + desc, note.n_descsz};
        at = (desc + note.n_descsz + mask) & ~mask;
    }
    return (struct bytes){NULL, 0};
}

static int read_elf(struct bytes file, td__plugin *out, char *why, size_t why_size)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) segment;
    if (file.size < SELFMAG || memcmp(file.at, ELFMAG, SELFMAG)) {
        snprintf(why, why_size, "not an ELF file: not a plugin");
        return 1;
    }
    if (file.size > EI_CLASS && file.at[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS]) {
        snprintf(why, why_size, "a %d-bit ELF file, this host is %d-bit", file.at[EI_CLASS] == ELFCLASS64 ? 64 : 32,
                 __ehdr_start.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32);
        return -1;
    }
    if (file.size < sizeof head) {
        snprintf(why, why_size, "a truncated ELF file");
        return -1;
    }
    memcpy(&head, file.at, sizeof head);
    if (head.e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] || head.e_machine != __ehdr_start.e_machine) {
        snprintf(why, why_size, "an ELF file for another machine (ELF number %u, this host is %u)", head.e_machine,
                 __ehdr_start.e_machine);
        return -1;
    }
    if (head.e_phentsize != sizeof segment || !inside(file, head.e_phoff, (uint64_t)head.e_phnum * sizeof segment)) {
        snprintf(why, why_size, "a truncated ELF file");
        return -1;
    }
    for (size_t i = 0; i < head.e_phnum; i++) {
        memcpy(&segment, file.at + head.e_phoff + i * sizeof segment, sizeof segment);
        if (!inside(file, segment.p_offset, segment.p_filesz)) {
            snprintf(why, why_size, "a truncated ELF file");
            return -1;
        }
        if (segment.p_type != PT_NOTE)
            continue;
        struct bytes json = find_note((struct bytes){file.at + segment.p_offset, segment.p_filesz}, segment.p_align);
        if (json.at)
            return td__parse_manifest((const char *)json.at, strnlen((const char *)json.at, json.size), out, why,
                                      why_size);
    }
    snprintf(why, why_size, "no tdhost note: not a plugin");
    return 1;
}

int td__read_manifest(const char *file, td__plugin *out, char *why, size_t why_size)
{
    struct stat st;
    void *map = MAP_FAILED;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -1;
    if (fd < 0 || fstat(fd, &st))
        snprintf(why, why_size, "%s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        snprintf(why, why_size, "not a regular file");
    else if (st.st_mode & S_IWOTH)
        snprintf(why, why_size, "anyone may write to it, so it is not trusted");
    else if (st.st_size == 0)
        snprintf(why, why_size, "an empty file");
    else if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        snprintf(why, why_size, "%s", strerror(errno));
    else
        rc = read_elf((struct bytes){map, (size_t)st.st_size}, out, why, why_size);
    if (map != MAP_FAILED)
        munmap(map, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return rc;
}

void td__plugin_clear(td__plugin *p)
{
    free(p->file);
    free(p->id);
    free(p->version);
    free(p->licence);
    free(p->summary);
    free(p->provides);
    free(p->refused);
    memset(p, 0, sizeof *p);
}

int td__each_provided(const td__plugin *p, int (*fn)(uint32_t, const char *, const char *, void *), void *user)
{
    int rc = 0;
    for (const char *word = p->provides + strspn(p->provides, " "); !rc && *word; word += strspn(word, " ")) {
        char text[256];
        size_t n = strcspn(word, " ");
        snprintf(text, sizeof text, "%.*s", (int)n, word);
        char *colon = strchr(text, ':');
        const char *key = colon ? colon + 1 : "";
        if (colon)
            *colon = 0;
        rc = fn(td__kind_by_name(text), text, key, user);
        word += n;
    }
    return rc;
}
