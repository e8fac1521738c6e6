/* Checking a whole store, listing it, counting it. */
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/handle.h"
#include "store/refs.h"

struct fsck {
    struct stm_store *s;
    enum stm_fsck_mode mode;
    void (*found)(void *ctx, const char *line);
    void *ctx;
    uint64_t findings;
};

__attribute__((format(printf, 2, 3))) static void finding(struct fsck *f, const char *fmt, ...);

static void finding(struct fsck *f, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    f->findings++;
    if (f->found) f->found(f->ctx, line);
}

/* Every reference of a sound record must lead to an object. */
static void check_refs(struct fsck *f, const struct stm_place *at, const struct stm_record *r)
{
    for (size_t i = 0; i < r->n_refs; i++) {
        struct stm_id to = stm_record_ref(r, i);
        struct stm_place there;
        char a[STM_ID_TEXT], b[STM_ID_TEXT];
        /* With a look for new packs: a listing made while others commit may show a pack and miss an
         * older one that it refers to. */
        if (!stm_store_locate(f->s, &to, &there, NULL)) continue;
        finding(f, "%s %s in pack %s refers to %s, which is missing", stm_type_name(r->type),
                stm_id_text(&r->id, a), at->pack->name, stm_id_text(&to, b));
    }
}

static int check_object(struct fsck *f, const struct stm_place *at)
{
    struct stm_record r;
    struct stm_err e = {0};
    int rc;
    if (f->mode == STM_FSCK_FULL) {
        unsigned char *data;
        rc = stm_store_read(f->s, at, &r, &data, &e);
        stm_free(data);
    } else {
        rc = stm_store_read_head(f->s, at, &r, &e);
    }
    if (rc == STM_E_NOMEM) return rc;
    if (rc)
        finding(f, "%s", e.msg);
    else
        check_refs(f, at, &r);
    return 0;
}

/* The records must fill the pack from its header to its index: their sizes say so without an order
 * of offsets, because no two may overlap when each is sound. */
static void check_tiling(struct fsck *f, const struct stm_pack *p)
{
    uint64_t sum = STM_PACK_HEADER + p->n * (uint64_t)STM_PACK_ENTRY + STM_PACK_TRAILER;
    for (size_t i = 0; i < p->n; i++) sum += p->e[i].size;
    if (sum != p->bytes)
        finding(f, "pack %s has %llu bytes, its records account for %llu", p->name,
                (unsigned long long)p->bytes, (unsigned long long)sum);
}

static int check_pack(struct fsck *f, const char *name)
{
    struct stm_pack p = {0};
    struct stm_err e = {0};
    char path[STM_PATH_MAX];
    memcpy(p.name, name, sizeof p.name);
    /* From the disk, not from what this handle has in memory. */
    int rc = stm_pack_load(&p, stm_path(path, f->s->dir, "packs", p.name), &e);
    if (rc == STM_E_NOMEM) goto out;
    if (rc == STM_E_NOTFOUND)
        rc = 0; /* collected since it was listed */
    else if (rc == STM_E_DAMAGED)
        finding(f, "%s; a scan finds %zu objects in it", e.msg, p.n);
    else if (rc)
        finding(f, "%s", e.msg);
    else
        check_tiling(f, &p);
    rc = 0;
    for (size_t i = 0; !rc && i < p.n; i++) {
        struct stm_place at = {.pack = &p, .entry = &p.e[i]};
        rc = check_object(f, &at);
    }
out:
    stm_pack_release(&p);
    return rc;
}

static int check_ref_files(struct fsck *f, struct stm_err *err)
{
    struct stm_ref_names l;
    int rc = stm_ref_names_list(&l, f->s, "", err);
    if (rc) return rc;
    for (size_t i = 0; i < l.n; i++) {
        struct stm_id id;
        struct stm_err e = {0};
        struct stm_place at;
        char text[STM_ID_TEXT];
        if (stm_ref_get(f->s, l.name[i], &id, &e))
            finding(f, "%s", e.msg);
        else if (stm_store_locate(f->s, &id, &at, NULL))
            finding(f, "ref %s points to %s, which is missing", l.name[i], stm_id_text(&id, text));
    }
    stm_ref_names_release(&l);
    return 0;
}

int stm_store_fsck(struct stm_store *s, enum stm_fsck_mode mode,
                   void (*found)(void *ctx, const char *line), void *ctx, struct stm_err *err)
{
    struct fsck f = {.s = s, .mode = mode, .found = found, .ctx = ctx};
    int rc = stm_store_distrust(s, err);
    if (!rc) rc = stm_store_refresh(s, err);
    if (rc) return rc;
    stm_fd_close(s->fd); /* the file of that name may have been replaced */
    s->fd = -1;
    /* A copy of the names, because checking references may refresh the index. */
    size_t n = s->index.n_packs;
    char(*names)[STM_PACK_NAME] = stm_calloc(n, sizeof *names);
    if (!names) return stm_fail(err, STM_E_NOMEM, "cannot check store: out of memory");
    for (size_t i = 0; i < n; i++) memcpy(names[i], s->index.packs[i]->name, sizeof *names);
    for (size_t i = 0; !rc && i < n; i++) rc = check_pack(&f, names[i]);
    stm_free(names);
    if (rc) return stm_fail(err, rc, "cannot check store %.180s: %s", s->dir, stm_code_name(rc));
    rc = check_ref_files(&f, err);
    if (rc || !f.findings) return rc;
    return stm_fail(err, STM_E_DAMAGED, "store %.180s is damaged: %llu findings", s->dir,
                    (unsigned long long)f.findings);
}

/* ---- listing ---- */

int stm_store_each(struct stm_store *s,
                   int (*each)(void *ctx, const struct stm_id *id, enum stm_object_type type,
                               uint64_t raw, uint64_t stored, const char *pack),
                   void *ctx, struct stm_err *err)
{
    int rc = stm_store_refresh(s, err);
    for (size_t i = 0; !rc && i < s->index.n_packs; i++) {
        const struct stm_pack *p = s->index.packs[i];
        for (size_t k = 0; !rc && k < p->n; k++) {
            const struct stm_pack_entry *e = &p->e[k];
            if (!stm_index_is_first(&s->index, p, e)) continue;
            rc = each(ctx, &e->id, (enum stm_object_type)e->type, e->raw, e->size, p->name);
        }
    }
    return rc;
}

static int count(void *ctx, const struct stm_id *id, enum stm_object_type type, uint64_t raw,
                 uint64_t stored, const char *pack)
{
    struct stm_store_stats *st = ctx;
    (void)id, (void)stored, (void)pack;
    st->objects++;
    st->chunks += type == STM_OBJ_CHUNK;
    st->states += type == STM_OBJ_STATE;
    st->records += type == STM_OBJ_RECORD;
    st->raw_bytes += raw;
    return 0;
}

int stm_store_stats(struct stm_store *s, struct stm_store_stats *out, struct stm_err *err)
{
    struct stm_ref_names l;
    *out = (struct stm_store_stats){0};
    int rc = stm_store_each(s, count, out, err);
    if (!rc) rc = stm_ref_names_list(&l, s, "", err);
    if (rc) return rc;
    out->refs = l.n;
    stm_ref_names_release(&l);
    out->packs = s->index.n_packs;
    for (size_t i = 0; i < s->index.n_packs; i++) out->stored_bytes += s->index.packs[i]->bytes;
    return 0;
}
