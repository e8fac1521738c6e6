#include "run/trail.h"

#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/wire.h"

static const char magic[16] = "stemma trail 1\n";
enum { MAX_COLUMNS = 256, MAX_CHAIN = 1 << 20 };

struct stm_id stm_trail_key(const struct stm_id *start, const char *settings, const char *profile)
{
    /* Hashed in parts, so that no allocation can fail here: the id of the three ids. */
    unsigned char block[256] = "stemma trajectory 1\n";
    struct stm_id parts[3] = {*start, stm_id_of(settings, strlen(settings)),
                              stm_id_of(profile, strlen(profile))};
    for (size_t i = 0; i < 3; i++) memcpy(block + 32 + 16 * i, parts[i].h, 16);
    return stm_id_of(block, sizeof block);
}

static int no_memory(struct stm_err *err)
{
    return stm_fail(err, STM_E_NOMEM, "reading a trail: out of memory");
}

static void ref_name(const struct stm_id *key, char name[64])
{
    memcpy(name, "seg-", 4);
    stm_id_text(key, name + 4);
}

void stm_trail_release(struct stm_trail *t)
{
    stm_free(t->entries);
    stm_free(t->columns);
    stm_arena_release(&t->arena);
    *t = (struct stm_trail){0};
}

int stm_trail_new(struct stm_trail *t, const struct stm_id *start, uint64_t start_step,
                  const char *settings, const char *profile, struct stm_err *err)
{
    *t = (struct stm_trail){.key = stm_trail_key(start, settings, profile),
                            .start = *start,
                            .start_step = start_step,
                            .last = start_step,
                            .diverged = STM_NEVER};
    t->settings = stm_arena_strndup(&t->arena, settings, strlen(settings));
    t->profile = stm_arena_strndup(&t->arena, profile, strlen(profile));
    return t->settings && t->profile ? 0 : no_memory(err);
}

/* ---- entries ---- */

/* The first index whose step is not below `step`. */
static size_t lower_bound(const struct stm_trail *t, uint64_t step)
{
    size_t lo = 0, hi = t->n_entries;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->entries[mid].step < step)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct stm_trail_entry *stm_trail_at(const struct stm_trail *t, uint64_t step)
{
    size_t i = lower_bound(t, step);
    return i < t->n_entries && t->entries[i].step == step ? &t->entries[i] : NULL;
}

const struct stm_trail_entry *stm_trail_anchor(const struct stm_trail *t, uint64_t step)
{
    size_t i = step == STM_NEVER ? t->n_entries : lower_bound(t, step + 1);
    while (i-- > 0)
        if (t->entries[i].stored) return &t->entries[i];
    return NULL;
}

int stm_trail_state(const struct stm_trail_entry *e, struct stm_store *s, struct stm_state *out,
                    struct stm_err *err)
{
    char hex[STM_ID_TEXT];
    int rc = stm_state_get(s, &e->state, out, err);
    if (rc != STM_E_NOTFOUND) return rc;
    return stm_fail(err, STM_E_DAMAGED, "the store has lost state %s, step %llu of a trail",
                    stm_id_text(&e->state, hex), (unsigned long long)e->step);
}

static int find_column(const struct stm_trail *t, const char *text)
{
    for (unsigned i = 0; i < t->n_columns; i++)
        if (!strcmp(t->columns[i], text)) return (int)i;
    return -1;
}

bool stm_trail_metric(const struct stm_trail *t, const struct stm_trail_entry *e, const char *text,
                      double *out)
{
    int column = find_column(t, text);
    for (unsigned i = 0; column >= 0 && i < e->n_values; i++)
        if (e->values[i].column == (unsigned)column) {
            *out = e->values[i].v;
            return true;
        }
    return false;
}

int stm_trail_column(struct stm_trail *t, const char *text)
{
    int found = find_column(t, text);
    if (found >= 0) return found;
    if (t->n_columns == t->cap_columns) {
        unsigned cap = t->cap_columns ? 2 * t->cap_columns : 16;
        const char **p = stm_realloc(t->columns, cap * sizeof *p);
        if (!p) return -1;
        t->columns = p;
        t->cap_columns = cap;
    }
    const char *copy = stm_arena_strndup(&t->arena, text, strlen(text));
    if (!copy) return -1;
    t->columns[t->n_columns] = copy;
    return (int)t->n_columns++;
}

int stm_trail_set_tensors(struct stm_trail *t, const struct stm_state *s, struct stm_err *err)
{
    t->tensor_names = stm_arena_alloc(&t->arena, s->n * sizeof *t->tensor_names);
    if (!t->tensor_names) return no_memory(err);
    for (size_t i = 0; i < s->n; i++) {
        const char *name = s->t[i].name;
        t->tensor_names[i] = stm_arena_strndup(&t->arena, name, strlen(name));
        if (!t->tensor_names[i]) return no_memory(err);
    }
    t->n_tensors = (unsigned)s->n;
    return 0;
}

static bool has_column(const struct stm_trail_entry *e, unsigned column)
{
    for (unsigned i = 0; i < e->n_values; i++)
        if (e->values[i].column == column) return true;
    return false;
}

/* The union of the values of `old` and `e`, in new memory. */
static int merge_values(struct stm_trail *t, struct stm_trail_entry *old,
                        const struct stm_trail_entry *e, struct stm_err *err)
{
    unsigned n = old->n_values, fresh = 0;
    for (unsigned i = 0; i < e->n_values; i++) fresh += !has_column(old, e->values[i].column);
    if (!fresh) return 0;
    struct stm_trail_value *v = stm_arena_alloc(&t->arena, (n + fresh) * sizeof *v);
    if (!v) return no_memory(err);
    if (n) memcpy(v, old->values, n * sizeof *v);
    for (unsigned i = 0; i < e->n_values; i++)
        if (!has_column(old, e->values[i].column)) v[n++] = e->values[i];
    old->values = v;
    old->n_values = n;
    return 0;
}

static int insert(struct stm_trail *t, size_t at, const struct stm_trail_entry *e,
                  struct stm_err *err)
{
    if (t->n_entries == t->cap_entries) {
        size_t cap = t->cap_entries ? 2 * t->cap_entries : 64;
        struct stm_trail_entry *p = stm_realloc(t->entries, cap * sizeof *p);
        if (!p) return no_memory(err);
        t->entries = p;
        t->cap_entries = cap;
    }
    struct stm_trail_entry copy = {.step = e->step, .state = e->state, .stored = e->stored};
    copy.tensors = stm_arena_alloc(&t->arena, t->n_tensors * sizeof *copy.tensors);
    if (!copy.tensors) return no_memory(err);
    memcpy(copy.tensors, e->tensors, t->n_tensors * sizeof *copy.tensors);
    int rc = merge_values(t, &copy, e, err);
    if (rc) return rc;
    memmove(t->entries + at + 1, t->entries + at, (t->n_entries - at) * sizeof *t->entries);
    t->entries[at] = copy;
    t->n_entries++;
    if (e->step > t->last) t->last = e->step;
    return 0;
}

int stm_trail_add(struct stm_trail *t, const struct stm_trail_entry *e, struct stm_err *err)
{
    size_t at = lower_bound(t, e->step);
    if (at == t->n_entries || t->entries[at].step != e->step) return insert(t, at, e, err);
    struct stm_trail_entry *old = &t->entries[at];
    char a[STM_ID_TEXT], b[STM_ID_TEXT];
    if (!stm_id_eq(&old->state, &e->state))
        return stm_fail(
            err, STM_E_MISMATCH, "two states for step %llu of one trajectory: %.12s and %.12s",
            (unsigned long long)e->step, stm_id_text(&old->state, a), stm_id_text(&e->state, b));
    old->stored = old->stored || e->stored;
    return merge_values(t, old, e, err);
}

static int copy_tensor_names(struct stm_trail *t, const struct stm_trail *from, struct stm_err *err)
{
    if (t->tensor_names || !from->tensor_names) return 0;
    t->tensor_names = stm_arena_alloc(&t->arena, from->n_tensors * sizeof *t->tensor_names);
    if (!t->tensor_names) return no_memory(err);
    for (unsigned i = 0; i < from->n_tensors; i++) {
        const char *name = from->tensor_names[i];
        t->tensor_names[i] = stm_arena_strndup(&t->arena, name, strlen(name));
        if (!t->tensor_names[i]) return no_memory(err);
    }
    t->n_tensors = from->n_tensors;
    return 0;
}

int stm_trail_merge(struct stm_trail *t, const struct stm_trail *from, struct stm_err *err)
{
    struct stm_trail_value values[MAX_COLUMNS];
    int rc = copy_tensor_names(t, from, err);
    for (size_t i = 0; !rc && i < from->n_entries; i++) {
        struct stm_trail_entry e = from->entries[i];
        for (unsigned k = 0; k < e.n_values; k++) {
            int column = stm_trail_column(t, from->columns[e.values[k].column]);
            if (column < 0) return no_memory(err);
            values[k] = (struct stm_trail_value){(unsigned)column, e.values[k].v};
        }
        e.values = values;
        rc = stm_trail_add(t, &e, err);
    }
    if (from->last > t->last) t->last = from->last;
    if (from->diverged < t->diverged) t->diverged = from->diverged;
    return rc;
}

/* ---- reading ---- */

static int damaged(struct stm_err *err, const struct stm_id *id)
{
    char hex[STM_ID_TEXT];
    return stm_fail(err, STM_E_DAMAGED, "record %s is not a readable trail", stm_id_text(id, hex));
}

/* Maps the record's columns to the trail's. */
static int read_columns(struct stm_trail *t, struct stm_rd *r, unsigned *map, unsigned *n,
                        struct stm_err *err)
{
    *n = stm_rd_u32(r);
    if (*n > MAX_COLUMNS) r->bad = true;
    for (unsigned i = 0; i < *n && !r->bad; i++) {
        char *name = stm_wire_str(r, &t->arena);
        if (!name && !r->bad) return no_memory(err);
        int column = r->bad ? 0 : stm_trail_column(t, name);
        if (column < 0) return no_memory(err);
        map[i] = (unsigned)column;
    }
    return 0;
}

static int read_tensor_names(struct stm_trail *t, struct stm_rd *r, struct stm_err *err)
{
    unsigned n = stm_rd_u32(r);
    if (n > (r->n - r->at) / sizeof n || (t->tensor_names && n != t->n_tensors)) r->bad = true;
    if (r->bad) return 0;
    bool first = !t->tensor_names;
    if (first) t->tensor_names = stm_arena_alloc(&t->arena, n * sizeof *t->tensor_names);
    if (!t->tensor_names) return no_memory(err);
    t->n_tensors = n;
    for (unsigned i = 0; i < n; i++) {
        const char *name = stm_wire_str(r, &t->arena);
        if (!name && !r->bad) return no_memory(err);
        if (r->bad) return 0;
        if (first)
            t->tensor_names[i] = name;
        else if (strcmp(name, t->tensor_names[i]))
            r->bad = true;
    }
    return 0;
}

/* `tensors`: room for the ids of one entry. */
static int read_entries(struct stm_trail *t, struct stm_rd *r, const unsigned *map,
                        unsigned n_columns, struct stm_id *tensors, struct stm_err *err)
{
    uint32_t n = stm_rd_u32(r);
    struct stm_trail_value values[MAX_COLUMNS];
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        struct stm_trail_entry e = {.tensors = tensors, .values = values};
        e.step = stm_rd_u64(r);
        e.stored = stm_rd_u8(r) != 0;
        e.state = stm_wire_id(r);
        for (unsigned k = 0; k < t->n_tensors; k++) tensors[k] = stm_wire_id(r);
        e.n_values = stm_rd_u16(r);
        if (e.n_values > MAX_COLUMNS) r->bad = true;
        for (unsigned k = 0; k < e.n_values && !r->bad; k++) {
            unsigned column = stm_rd_u16(r);
            values[k].v = stm_rd_f64(r);
            if (column >= n_columns)
                r->bad = true;
            else
                values[k].column = map[column];
        }
        int rc = r->bad ? 0 : stm_trail_add(t, &e, err);
        if (rc) return rc;
    }
    return 0;
}

/* Reads one record (whose magic was checked) into `t`. */
static int read_record(struct stm_trail *t, const struct stm_object *o, const struct stm_id *id,
                       struct stm_err *err)
{
    struct stm_rd r = {.p = o->data, .n = o->n, .at = sizeof magic};
    stm_wire_id(&r); /* the link */
    struct stm_id key = stm_wire_id(&r);
    t->start = stm_wire_id(&r);
    t->start_step = stm_rd_u64(&r);
    t->profile = stm_wire_str(&r, &t->arena);
    t->settings = stm_wire_str(&r, &t->arena);
    if (!r.bad && (!t->profile || !t->settings)) return no_memory(err);
    uint64_t last = stm_rd_u64(&r), diverged = stm_rd_u64(&r);
    if (last > t->last) t->last = last;
    if (diverged < t->diverged) t->diverged = diverged;
    unsigned map[MAX_COLUMNS], n_columns = 0;
    int rc = read_columns(t, &r, map, &n_columns, err);
    if (!rc) rc = read_tensor_names(t, &r, err);
    struct stm_id *tensors = stm_calloc(t->n_tensors, sizeof *tensors);
    if (!rc && !tensors) rc = no_memory(err);
    if (!rc) rc = read_entries(t, &r, map, n_columns, tensors, err);
    stm_free(tensors);
    if (!rc && (r.bad || !stm_id_eq(&key, &t->key))) return damaged(err, id);
    return rc;
}

/* The records of a chain, newest first, as read from the store. */
struct chain {
    struct stm_object *o;
    struct stm_id *ids;
    size_t n, cap;
};

static void chain_release(struct chain *c)
{
    for (size_t i = 0; i < c->n; i++) stm_object_release(&c->o[i]);
    stm_free(c->o);
    stm_free(c->ids);
}

static int chain_push(struct chain *c, const struct stm_object *o, const struct stm_id *id)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        struct stm_object *objects = stm_realloc(c->o, cap * sizeof *objects);
        if (objects) c->o = objects;
        struct stm_id *ids = objects ? stm_realloc(c->ids, cap * sizeof *ids) : NULL;
        if (!ids) return STM_E_NOMEM;
        c->ids = ids;
        c->cap = cap;
    }
    c->o[c->n] = *o;
    c->ids[c->n++] = *id;
    return 0;
}

/* Follows the links from `id` to the first record. */
static int chain_read(struct chain *c, struct stm_store *s, struct stm_id id, struct stm_err *err)
{
    while (id.alg) {
        struct stm_object o = {0};
        int rc =
            c->n > MAX_CHAIN ? damaged(err, &id) : stm_wire_record(s, &id, "of a trail", &o, err);
        if (rc) return rc;
        if (chain_push(c, &o, &id)) {
            stm_object_release(&o);
            return no_memory(err);
        }
        struct stm_rd r = {.p = o.data, .n = o.n};
        const void *m = stm_rd_bytes(&r, sizeof magic);
        if (o.type != STM_OBJ_RECORD || !m || memcmp(m, magic, sizeof magic))
            return damaged(err, &id);
        id = stm_wire_id(&r); /* the link comes first, so that a chain is walked without parsing */
        if (r.bad) return damaged(err, &c->ids[c->n - 1]);
    }
    return 0;
}

int stm_trail_load(struct stm_trail *t, struct stm_store *s, const struct stm_id *key,
                   struct stm_err *err)
{
    *t = (struct stm_trail){.key = *key, .diverged = STM_NEVER};
    char name[64];
    ref_name(key, name);
    int rc = stm_ref_get(s, name, &t->head, err);
    if (rc == STM_E_NOTFOUND) return 0;
    struct chain c = {0};
    if (!rc) rc = chain_read(&c, s, t->head, err);
    for (size_t i = c.n; !rc && i-- > 0;) rc = read_record(t, &c.o[i], &c.ids[i], err);
    chain_release(&c);
    if (rc)
        stm_trail_release(t);
    else
        t->exists = true;
    return rc;
}

/* ---- writing ---- */

static void write_entries(const struct stm_trail *t, struct stm_buf *b)
{
    stm_buf_u32(b, (uint32_t)t->n_entries);
    for (size_t i = 0; i < t->n_entries; i++) {
        const struct stm_trail_entry *e = &t->entries[i];
        stm_buf_u64(b, e->step);
        stm_buf_u8(b, e->stored);
        stm_wire_put_id(b, &e->state);
        for (unsigned k = 0; k < t->n_tensors; k++) stm_wire_put_id(b, &e->tensors[k]);
        stm_buf_u16(b, (uint16_t)e->n_values);
        for (unsigned k = 0; k < e->n_values; k++) {
            stm_buf_u16(b, (uint16_t)e->values[k].column);
            stm_buf_f64(b, e->values[k].v);
        }
    }
}

static void encode(const struct stm_trail *t, const struct stm_id *prev, struct stm_buf *b)
{
    stm_buf_put(b, magic, sizeof magic);
    stm_wire_put_id(b, prev);
    stm_wire_put_id(b, &t->key);
    stm_wire_put_id(b, &t->start);
    stm_buf_u64(b, t->start_step);
    stm_buf_str(b, t->profile);
    stm_buf_str(b, t->settings);
    stm_buf_u64(b, t->last);
    stm_buf_u64(b, t->diverged);
    stm_buf_u32(b, t->n_columns);
    for (unsigned i = 0; i < t->n_columns; i++) stm_buf_str(b, t->columns[i]);
    stm_buf_u32(b, t->n_tensors);
    for (unsigned i = 0; i < t->n_tensors; i++) stm_buf_str(b, t->tensor_names[i]);
    write_entries(t, b);
}

int stm_trail_commit(const struct stm_trail *fresh, struct stm_store *s,
                     const struct stm_state *anchor, struct stm_id *head, struct stm_err *err)
{
    struct stm_txn *txn = NULL;
    struct stm_buf b = {0};
    char name[64];
    ref_name(&fresh->key, name);
    struct stm_id refs[3], record;
    size_t n_refs = 0;
    int rc = stm_txn_begin(&txn, s, err);
    refs[n_refs++] = fresh->start;
    if (head->alg) refs[n_refs++] = *head;
    if (!rc && anchor) rc = stm_state_put(txn, anchor, &refs[n_refs++], err);
    encode(fresh, head, &b);
    if (!rc && b.failed) rc = no_memory(err);
    if (!rc) rc = stm_txn_put(txn, STM_OBJ_RECORD, b.p, b.n, 1, refs, n_refs, &record, err);
    if (!rc) rc = stm_txn_ref(txn, name, head->alg ? head : NULL, &record, err);
    if (!rc)
        rc = stm_txn_commit(txn, err);
    else
        stm_txn_abort(txn);
    if (!rc) *head = record;
    stm_buf_release(&b);
    return rc;
}
