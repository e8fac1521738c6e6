#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/handle.h"
#include "store/id.h"
#include "store/packindex.h"

int stm_store_open(struct stm_store **out, const char *dir, unsigned flags, struct stm_err *err)
{
    *out = NULL;
    if (!*dir || strlen(dir) > STM_DIR_MAX)
        return stm_fail(err, STM_E_USAGE, "the path of a store has 1 to %d characters",
                        STM_DIR_MAX);
    bool create = flags & STM_STORE_CREATE && !(flags & STM_STORE_READONLY);
    int rc = create ? stm_layout_create(dir, err) : stm_layout_check(dir, err);
    if (rc) return rc;
    struct stm_store *s = stm_calloc(1, sizeof *s);
    if (!s) return stm_fail(err, STM_E_NOMEM, "cannot open store %.180s: out of memory", dir);
    s->fd = -1;
    s->flags = flags;
    s->dir = stm_strdup(dir);
    s->codec = stm_codec_new();
    if (!s->dir || !s->codec)
        rc = stm_fail(err, STM_E_NOMEM, "cannot open store %.180s: out of memory", dir);
    if (!rc) rc = stm_store_refresh(s, err);
    if (rc)
        stm_store_close(s);
    else
        *out = s;
    return rc;
}

void stm_store_close(struct stm_store *s)
{
    if (!s) return;
    stm_fd_close(s->fd);
    stm_index_release(&s->index);
    stm_codec_free(s->codec);
    stm_buf_release(&s->scratch);
    stm_free(s->dir);
    stm_free(s);
}

const char *stm_store_dir(const struct stm_store *s) { return s->dir; }

/* ---- finding packs ---- */

enum {
    COPY_FROM = 256
}; /* packs that are opened one by one before a copy of their indexes is used */

struct name_list {
    char (*names)[STM_PACK_NAME];
    size_t n, cap;
};

static int collect_name(void *ctx, const char *name)
{
    struct name_list *l = ctx;
    if (!stm_pack_is_name(name)) return 0;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        void *names = stm_realloc(l->names, cap * sizeof *l->names);
        if (!names) return 1;
        l->names = names;
        l->cap = cap;
    }
    memcpy(l->names[l->n++], name, STM_PACK_NAME);
    return 0;
}

static int name_cmp(const void *a, const void *b) { return strcmp(a, b); }

/* Packs that are no longer listed, and those that could not be read and are tried again. */
static bool is_gone(const void *ctx, const struct stm_pack *p)
{
    const struct name_list *l = ctx;
    if (p->trouble && p->trouble != STM_E_DAMAGED) return true;
    return !l->n || !bsearch(p->name, l->names, l->n, sizeof *l->names, name_cmp);
}

/* `copy` may be NULL. */
static int load_new(struct stm_store *s, const char *name, struct stm_packindex *copy,
                    struct stm_err *err)
{
    struct stm_pack p = {0};
    char path[STM_PATH_MAX];
    memcpy(p.name, name, STM_PACK_NAME);
    int rc = copy && stm_packindex_find(copy, &p)
                 ? 0
                 : stm_pack_load(&p, stm_path(path, s->dir, "packs", name), err);
    if (rc == STM_E_NOMEM) return rc;
    if (rc == STM_E_NOTFOUND) return 0; /* collected between listing and opening */
    s->opened += !p.cached;
    /* A pack in trouble does not keep the others from being read: what it may hold is remembered,
     * and answered for when an object is not found. */
    rc = stm_index_add(&s->index, &p, err);
    stm_pack_release(&p);
    return rc;
}

static int list_packs(struct stm_store *s, struct name_list *l, struct stm_err *err)
{
    char path[STM_PATH_MAX];
    int rc = stm_dir_each(stm_path(path, s->dir, "packs", NULL), collect_name, l);
    if (rc > 0) return stm_fail(err, STM_E_NOMEM, "cannot list %.180s: out of memory", path);
    if (rc) return stm_fail_errno(err, errno, "cannot list %.180s", path);
    if (l->n) qsort(l->names, l->n, sizeof *l->names, name_cmp);
    return 0;
}

static int load_all(struct stm_store *s, const struct name_list *l, struct stm_err *err)
{
    struct stm_packindex copy = {0};
    size_t known = s->index.n_packs;
    int rc = 0;
    if (!s->distrust && l->n > known + COPY_FROM) rc = stm_packindex_read(&copy, s->dir, err);
    for (size_t i = 0; !rc && i < l->n; i++)
        if (!stm_index_pack(&s->index, l->names[i])) rc = load_new(s, l->names[i], &copy, err);
    stm_packindex_release(&copy);
    return rc;
}

/* The copy is worth writing when that spares as many opens as to write it costs. */
static void keep_copy(struct stm_store *s)
{
    bool writable = !(s->flags & STM_STORE_READONLY);
    if (!writable || s->opened < COPY_FROM || s->opened < s->index.n_packs / 8) return;
    stm_packindex_write(&s->index, s->dir);
    s->opened = 0;
}

int stm_store_refresh(struct stm_store *s, struct stm_err *err)
{
    struct name_list l = {0};
    int rc = list_packs(s, &l, err);
    if (!rc) {
        stm_index_remove(&s->index, is_gone, &l);
        rc = load_all(s, &l, err);
    }
    if (!rc) keep_copy(s);
    stm_free(l.names);
    return rc;
}

static bool is_cached(const void *ctx, const struct stm_pack *p)
{
    (void)ctx;
    return p->cached;
}

int stm_store_distrust(struct stm_store *s, struct stm_err *err)
{
    if (s->distrust) return 0;
    s->distrust = true;
    stm_index_remove(&s->index, is_cached, NULL);
    return stm_store_refresh(s, err);
}

void stm_store_learn(struct stm_store *s, const char *pack)
{
    if (stm_pack_is_name(pack) && !stm_index_pack(&s->index, pack)) load_new(s, pack, NULL, NULL);
}

void stm_store_watch(struct stm_store *s, void (*made)(void *ctx, const char *pack), void *ctx)
{
    s->made = made;
    s->made_ctx = ctx;
}

/* ---- reading ---- */

static int open_pack(struct stm_store *s, const struct stm_pack *p, struct stm_err *err)
{
    if (s->fd >= 0 && !strcmp(s->fd_name, p->name)) return 0;
    stm_fd_close(s->fd);
    char path[STM_PATH_MAX];
    s->fd = stm_fd_open(stm_path(path, s->dir, "packs", p->name), O_RDONLY, 0);
    if (s->fd < 0) {
        int rc = stm_fail_errno(err, errno, "cannot open pack %.180s", path);
        return rc == STM_E_READONLY ? STM_E_IO : rc;
    }
    memcpy(s->fd_name, p->name, sizeof s->fd_name);
    return 0;
}

int stm_store_read_head(struct stm_store *s, const struct stm_place *at, struct stm_record *r,
                        struct stm_err *err)
{
    int rc = open_pack(s, at->pack, err);
    return rc ? rc : stm_pack_read(at->pack, s->fd, at->entry, true, &s->scratch, r, err);
}

int stm_store_read(struct stm_store *s, const struct stm_place *at, struct stm_record *r,
                   unsigned char **data, struct stm_err *err)
{
    *data = NULL;
    int rc = open_pack(s, at->pack, err);
    if (!rc) rc = stm_pack_read(at->pack, s->fd, at->entry, false, &s->scratch, r, err);
    if (rc) return rc;
    unsigned char *raw = stm_malloc(r->raw);
    if (!raw) return stm_fail(err, STM_E_NOMEM, "cannot read %u bytes: out of memory", r->raw);
    rc = stm_codec_decode(s->codec, raw, r->raw, r->elem_size, r->bytes, r->coded, NULL);
    if (!rc) {
        struct stm_id id = stm_id_of(raw, r->raw);
        if (!stm_id_eq(&id, &r->id) || stm_hash2_of(raw, r->raw) != r->hash2) rc = STM_E_DAMAGED;
    }
    if (!rc) {
        *data = raw;
        return 0;
    }
    stm_free(raw);
    char text[STM_ID_TEXT];
    return stm_fail(err, rc, "%s %s in pack %s: %s", stm_type_name(r->type),
                    stm_id_text(&r->id, text), at->pack->name,
                    rc == STM_E_NOMEM ? "out of memory" : "its bytes do not match its id");
}

/* Says that an object is not there, unless it may be in a pack that is in trouble. */
static int say_missing(const struct stm_store *s, const char *text, struct stm_err *err)
{
    for (size_t i = 0; i < s->index.n_packs; i++) {
        const struct stm_pack *p = s->index.packs[i];
        if (p->trouble)
            return stm_fail(err, p->trouble,
                            "object %s is not found, and pack %s, which may hold it, "
                            "cannot be read (%s); run: stemma store fsck",
                            text, p->name, stm_code_name(p->trouble));
    }
    return stm_fail(err, STM_E_NOTFOUND, "no object %s in store %.160s", text, s->dir);
}

int stm_store_locate(struct stm_store *s, const struct stm_id *id, struct stm_place *at,
                     struct stm_err *err)
{
    if (stm_index_find(&s->index, id, at)) return 0;
    int rc = stm_store_refresh(s, err);
    if (rc) return rc;
    if (stm_index_find(&s->index, id, at)) return 0;
    char text[STM_ID_TEXT];
    return say_missing(s, stm_id_text(id, text), err);
}

/* The first sound copy. */
static int read_any(struct stm_store *s, struct stm_place at, struct stm_object *out,
                    struct stm_err *err)
{
    int rc;
    do {
        struct stm_record r;
        rc = stm_store_read(s, &at, &r, &out->data, err);
        if (!rc) {
            out->type = r.type;
            out->n = r.raw;
        }
    } while (rc && rc != STM_E_NOMEM && stm_index_next(&s->index, &at));
    return rc;
}

int stm_store_get(struct stm_store *s, const struct stm_id *id, struct stm_object *out,
                  struct stm_err *err)
{
    *out = (struct stm_object){0};
    struct stm_place at;
    int rc = stm_store_locate(s, id, &at, err);
    if (rc == STM_E_NOTFOUND && !s->distrust && !stm_store_distrust(s, NULL))
        rc = stm_store_locate(s, id, &at, err); /* it may be in a pack that the copy has wrong */
    if (rc) return rc;
    rc = read_any(s, at, out, err);
    if (rc && rc != STM_E_NOMEM) {
        /* A collection may have moved it, another writer stored a sound copy, or the copy of the
         * indexes is wrong. */
        if (s->distrust ? stm_store_refresh(s, NULL) : stm_store_distrust(s, NULL)) return rc;
        if (!stm_index_find(&s->index, id, &at)) {
            char text[STM_ID_TEXT];
            return say_missing(s, stm_id_text(id, text), err);
        }
        rc = read_any(s, at, out, err);
    }
    return rc;
}

void stm_object_release(struct stm_object *o)
{
    stm_free(o->data);
    *o = (struct stm_object){0};
}

bool stm_store_has(struct stm_store *s, const struct stm_id *id)
{
    struct stm_place at;
    return !stm_store_locate(s, id, &at, NULL);
}

/* Is `prefix`, n digits, the start of this id? */
static bool has_prefix(const struct stm_id *id, const char *prefix, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int nibble = i % 2 ? id->h[i / 2] & 15 : id->h[i / 2] >> 4;
        if (stm_hex_digit(prefix[i]) != nibble) return false;
    }
    return true;
}

int stm_store_find(struct stm_store *s, const char *hex_prefix, struct stm_id *out,
                   struct stm_err *err)
{
    size_t n = strlen(hex_prefix);
    bool good = n >= 4 && n <= STM_ID_HEX;
    for (size_t i = 0; good && i < n; i++) good = stm_hex_digit(hex_prefix[i]) >= 0;
    if (!good)
        return stm_fail(err, STM_E_USAGE, "'%.40s' is not an object id: 4 to %d hex digits",
                        hex_prefix, STM_ID_HEX);
    int rc = stm_store_refresh(s, err);
    if (rc) return rc;
    size_t hits = 0;
    for (size_t i = 0; i < s->index.n_packs; i++) {
        const struct stm_pack *p = s->index.packs[i];
        for (size_t k = 0; k < p->n; k++) {
            if (!has_prefix(&p->e[k].id, hex_prefix, n)) continue;
            if (hits && stm_id_eq(out, &p->e[k].id)) continue; /* another copy */
            if (hits++)
                return stm_fail(err, STM_E_USAGE,
                                "several objects start with '%s': give more digits", hex_prefix);
            *out = p->e[k].id;
        }
    }
    return hits ? 0 : say_missing(s, hex_prefix, err);
}
