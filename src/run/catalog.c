/* Plans in the store: ref "plan-<id of name, parameters and profile>" -> record. A plan of another
 * file of that name has a ref of its own, whose id has the title, too. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/wire.h"
#include "stemma/engine.h"
#include "stemma/run.h"

/* Record payload: magic, name, title, params, canonical, profile, both hashes, seeds. */
static const char magic[16] = "stemma plan 1\n";

static void params_text(const struct stm_plan *plan, struct stm_buf *b)
{
    for (unsigned i = 0; i < plan->n_params; i++)
        if (plan->params[i].overridden)
            stm_buf_printf(b, "%s%s=%s", b->n ? " " : "", plan->params[i].name,
                           plan->params[i].text);
}

/* `title` is NULL for the first file of a name. */
static void ref_name(const char *name, const char *params, const char *profile, const char *title,
                     char out[64])
{
    unsigned char block[256] = "stemma plan ref\n";
    const char *const parts[] = {name, params, profile, title};
    for (size_t i = 0; i < 4 && parts[i]; i++) {
        struct stm_id part = stm_id_of(parts[i], strlen(parts[i]));
        memcpy(block + 32 + 16 * i, part.h, 16);
    }
    struct stm_id id = stm_id_of(block, sizeof block);
    memcpy(out, "plan-", 5);
    stm_id_text(&id, out + 5);
}

static void encode(const struct stm_plan *plan, const char *params, const char *profile, int lo,
                   int hi, struct stm_buf *b)
{
    stm_buf_put(b, magic, sizeof magic);
    stm_buf_str(b, plan->name);
    stm_buf_str(b, plan->title);
    stm_buf_str(b, params);
    stm_buf_str(b, plan->canonical);
    stm_buf_str(b, profile);
    stm_buf_str(b, plan->compute_hash);
    stm_buf_str(b, plan->claim_hash);
    stm_buf_u32(b, (uint32_t)lo);
    stm_buf_u32(b, (uint32_t)hi);
    if (b->n < 256) stm_buf_zero(b, 256 - b->n);
}

/* One attempt to point the ref to the record. */
static int put_once(struct stm_store *s, const char *ref, const struct stm_buf *b,
                    struct stm_err *err)
{
    struct stm_txn *txn = NULL;
    struct stm_id old, now = stm_id_of(b->p, b->n);
    int rc = stm_ref_get(s, ref, &old, err);
    bool have = rc == 0;
    if (have && stm_id_eq(&old, &now)) return 0;
    if (rc && rc != STM_E_NOTFOUND) return rc;
    rc = stm_txn_begin(&txn, s, err);
    if (!rc) rc = stm_txn_put(txn, STM_OBJ_RECORD, b->p, b->n, 1, NULL, 0, &now, err);
    if (!rc) rc = stm_txn_ref(txn, ref, have ? &old : NULL, &now, err);
    if (!rc) return stm_txn_commit(txn, err);
    stm_txn_abort(txn);
    return rc;
}

struct reader {
    struct stm_store *store;
    struct stm_catalog *c;
    size_t cap;
    struct stm_arena arena;
    struct stm_err *err;
};

static int decode(struct reader *r, const struct stm_object *o, struct stm_catalog_entry *e)
{
    struct stm_rd rd = {.p = o->data, .n = o->n};
    const void *m = stm_rd_bytes(&rd, sizeof magic);
    if (o->type != STM_OBJ_RECORD || !m || memcmp(m, magic, sizeof magic)) return STM_E_DAMAGED;
    const char **fields[] = {&e->name,    &e->title,        &e->params,    &e->canonical,
                             &e->profile, &e->compute_hash, &e->claim_hash};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        *fields[i] = stm_wire_str(&rd, &r->arena);
        if (!*fields[i]) return rd.bad ? STM_E_DAMAGED : STM_E_NOMEM;
    }
    e->seed_lo = (int)stm_rd_u32(&rd);
    e->seed_hi = (int)stm_rd_u32(&rd);
    return rd.bad ? STM_E_DAMAGED : 0;
}

/* The same design again, which got another title. */
static bool is_known(const struct stm_catalog *c, const struct stm_catalog_entry *e)
{
    for (size_t i = 0; i < c->n; i++)
        if (!strcmp(c->e[i].name, e->name) && !strcmp(c->e[i].params, e->params) &&
            !strcmp(c->e[i].profile, e->profile) && !strcmp(c->e[i].compute_hash, e->compute_hash))
            return true;
    return false;
}

static int read_one(void *ctx, const char *name, const struct stm_id *id)
{
    struct reader *r = ctx;
    struct stm_object o;
    if (r->c->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 16;
        struct stm_catalog_entry *e = stm_realloc(r->c->e, cap * sizeof *e);
        if (!e) return stm_fail(r->err, STM_E_NOMEM, "reading plans: out of memory");
        r->c->e = e;
        r->cap = cap;
    }
    int rc = stm_wire_record(r->store, id, "of a plan", &o, r->err);
    if (rc) return rc;
    struct stm_catalog_entry *e = &r->c->e[r->c->n];
    *e = (struct stm_catalog_entry){.record = *id};
    rc = decode(r, &o, e);
    stm_object_release(&o);
    if (rc) return stm_fail(r->err, rc, "%s does not point to a readable plan", name);
    r->c->n += !is_known(r->c, e);
    return 0;
}

/* Is one of the task lines of `a` in `b`, too? Both in the canonical layout. */
static bool share_task(const char *a, const char *b)
{
    for (const char *line = a; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t n = strcspn(line, "\n");
        if (strncmp(line, "task ", 5)) continue;
        for (const char *at = b; *at; at += strcspn(at, "\n"), at += *at == '\n')
            if (strcspn(at, "\n") == n && !strncmp(at, line, n)) return true;
    }
    return false;
}

/* A file that was edited keeps its title or what it computes, and where it has no title, which is
 * then its name, a task. One that keeps nothing is another file. */
static bool same_file(const struct stm_catalog_entry *e, const struct stm_plan *plan)
{
    if (!strcmp(e->compute_hash, plan->compute_hash)) return true;
    if (strcmp(e->title, plan->title)) return false;
    return strcmp(plan->title, plan->name) || share_task(e->canonical, plan->canonical);
}

/* Is the plan under `ref`, if there is one, an earlier version of this plan's file? */
static int is_earlier(struct stm_store *s, const char *ref, const struct stm_plan *plan, bool *yes,
                      struct stm_err *err)
{
    struct stm_catalog one = {0};
    struct reader r = {.store = s, .c = &one, .err = err};
    struct stm_id id;
    *yes = true;
    int rc = stm_ref_get(s, ref, &id, err);
    if (rc) return rc == STM_E_NOTFOUND ? 0 : rc;
    rc = read_one(&r, ref, &id);
    if (!rc) *yes = same_file(one.e, plan);
    stm_arena_release(&r.arena);
    stm_free(one.e);
    return rc;
}

int stm_catalog_id(struct stm_id *out, const struct stm_plan *plan, int seed_lo, int seed_hi,
                   const char *profile, struct stm_err *err)
{
    struct stm_buf b = {0}, params = {0};
    params_text(plan, &params);
    encode(plan, stm_buf_text(&params), profile, seed_lo, seed_hi, &b);
    bool failed = b.failed || params.failed;
    if (!failed) *out = stm_id_of(b.p, b.n);
    stm_buf_release(&b);
    stm_buf_release(&params);
    return failed ? stm_fail(err, STM_E_NOMEM, "naming a plan: out of memory") : 0;
}

/* What was checked once is read with all that this version knows. */
static int parse(struct stm_plan **out, const struct stm_catalog_entry *e, struct stm_err *err)
{
    struct stm_diags *diags = NULL;
    struct stm_check_options check = {.vocab = stm_engine_vocab(), .features = STM_F_ALL};
    char path[300];
    snprintf(path, sizeof path, "%s.stemma", e->name);
    int rc = stm_protocol_check(out, &diags, path, e->canonical, strlen(e->canonical), &check, err);
    stm_diags_free(diags);
    if (rc || *out) return rc;
    return stm_fail(err, STM_E_DAMAGED, "the stored plan `%s` cannot be read", e->name);
}

int stm_catalog_plan(struct stm_plan **out, struct stm_store *s, const struct stm_id *record,
                     struct stm_err *err)
{
    struct stm_catalog one = {0};
    struct reader r = {.store = s, .c = &one, .err = err};
    *out = NULL;
    int rc = read_one(&r, "plan", record);
    if (!rc) rc = parse(out, one.e, err);
    stm_arena_release(&r.arena);
    stm_free(one.e);
    return rc;
}

int stm_catalog_put(struct stm_store *s, const struct stm_plan *plan, int seed_lo, int seed_hi,
                    const char *profile, struct stm_err *err)
{
    struct stm_buf b = {0}, params = {0};
    char ref[64];
    params_text(plan, &params);
    encode(plan, stm_buf_text(&params), profile, seed_lo, seed_hi, &b);
    ref_name(plan->name, stm_buf_text(&params), profile, NULL, ref);
    bool earlier = true;
    int rc =
        b.failed || params.failed ? stm_fail(err, STM_E_NOMEM, "storing a plan: out of memory") : 0;
    if (!rc) rc = is_earlier(s, ref, plan, &earlier, err);
    if (!rc && !earlier) ref_name(plan->name, stm_buf_text(&params), profile, plan->title, ref);
    if (!rc) rc = put_once(s, ref, &b, err);
    while (rc == STM_E_CONFLICT) rc = put_once(s, ref, &b, err);
    stm_buf_release(&b);
    stm_buf_release(&params);
    return rc;
}

int stm_catalog_read(struct stm_catalog **out, struct stm_store *s, struct stm_err *err)
{
    struct stm_catalog *c = stm_calloc(1, sizeof *c);
    struct reader r = {.store = s, .c = c, .err = err};
    *out = NULL;
    if (!c) return stm_fail(err, STM_E_NOMEM, "reading plans: out of memory");
    int rc = stm_ref_each(s, "plan-", read_one, &r, err);
    struct stm_arena *keep = rc ? NULL : stm_malloc(sizeof *keep);
    if (!rc && !keep) rc = stm_fail(err, STM_E_NOMEM, "reading plans: out of memory");
    if (rc) {
        stm_arena_release(&r.arena);
        stm_free(c->e);
        stm_free(c);
        return rc;
    }
    *keep = r.arena;
    c->arena = keep;
    *out = c;
    return 0;
}

void stm_catalog_free(struct stm_catalog *c)
{
    if (!c) return;
    stm_arena_release(c->arena);
    stm_free(c->arena);
    stm_free(c->e);
    stm_free(c);
}
