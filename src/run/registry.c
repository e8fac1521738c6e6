/* Expectations stored before there are data: ref "reg-<base>" -> record. The base is the id of the
 * canonical plan without its expectations, tables, figures and logs, so a registration speaks of
 * one design and one set of definitions; the record lists the expectations as text. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "run/wire.h"
#include "stemma/run.h"

/* Record payload: magic, number of expectations, each as text. */
static const char magic[16] = "stemma claims 1";
enum { EXPECTS_MAX = 4096 };

static bool starts(const char *line, const char *word)
{
    size_t n = strlen(word);
    return !strncmp(line, word, n) && line[n] == ' ';
}

/* What the expectations are about: the canonical text, one statement or block line at a time. */
static struct stm_id base_of(const struct stm_plan *plan)
{
    struct stm_buf b = {0};
    bool skipping = false;
    for (const char *line = plan->canonical; *line;) {
        size_t n = strcspn(line, "\n");
        bool block = starts(line, "table") || starts(line, "figure");
        if (block)
            skipping = line[n - 1] == '{';
        else if (!skipping && !starts(line, "expect") && !starts(line, "log")) {
            stm_buf_put(&b, line, n);
            stm_buf_u8(&b, '\n');
        }
        if (skipping && *line == '}') skipping = false;
        line += n + (line[n] == '\n');
    }
    if (b.n < 256) stm_buf_zero(&b, 256 - b.n);
    struct stm_id id = b.failed ? (struct stm_id){0} : stm_id_of(b.p, b.n);
    stm_buf_release(&b);
    return id;
}

static int ref_of(const struct stm_plan *plan, char name[64], struct stm_err *err)
{
    struct stm_id base = base_of(plan);
    if (!base.alg) return stm_fail(err, STM_E_NOMEM, "reading registrations: out of memory");
    memcpy(name, "reg-", 4);
    stm_id_text(&base, name + 4);
    return 0;
}

/* The texts that are registered already: calls `each` for every one. */
static int each_text(struct stm_store *s, const struct stm_id *record,
                     void (*each)(void *ctx, const char *p, size_t n), void *ctx,
                     struct stm_err *err)
{
    struct stm_object o;
    int rc = stm_wire_record(s, record, "of a registration", &o, err);
    if (rc) return rc;
    struct stm_rd r = {.p = o.data, .n = o.n};
    const void *m = stm_rd_bytes(&r, sizeof magic);
    bool bad = o.type != STM_OBJ_RECORD || !m || memcmp(m, magic, sizeof magic);
    uint32_t count = stm_rd_u32(&r);
    for (uint32_t i = 0; !bad && !r.bad && i < count && i < EXPECTS_MAX; i++) {
        size_t n;
        const char *text = stm_rd_str(&r, &n);
        if (text) each(ctx, text, n);
    }
    stm_object_release(&o);
    char hex[STM_ID_TEXT];
    return bad || r.bad ? stm_fail(err, STM_E_DAMAGED, "record %s is not a readable registration",
                                   stm_id_text(record, hex))
                        : 0;
}

struct matches {
    const struct stm_plan *plan;
    bool *flags;
};

static void match(void *ctx, const char *p, size_t n)
{
    const struct matches *m = ctx;
    for (unsigned i = 0; i < m->plan->n_expects; i++) {
        const char *text = m->plan->expects[i].text;
        if (strlen(text) == n && !memcmp(text, p, n)) m->flags[i] = true;
    }
}

int stm_registry_read(struct stm_store *s, const struct stm_plan *plan, bool *any, bool *flags,
                      struct stm_err *err)
{
    struct matches m = {plan, flags};
    struct stm_id record;
    char name[64];
    *any = false;
    memset(flags, 0, plan->n_expects * sizeof *flags);
    int rc = ref_of(plan, name, err);
    if (!rc) rc = stm_ref_get(s, name, &record, err);
    if (rc) return rc == STM_E_NOTFOUND ? 0 : rc;
    *any = true;
    return each_text(s, &record, match, &m, err);
}

struct collector {
    struct stm_buf texts;
    uint32_t n;
};

static void collect(void *ctx, const char *p, size_t n)
{
    struct collector *c = ctx;
    stm_buf_u32(&c->texts, (uint32_t)n);
    stm_buf_put(&c->texts, p, n);
    c->n++;
}

static int put(struct stm_store *s, const char *name, const struct stm_id *old,
               const struct collector *c, struct stm_err *err)
{
    struct stm_txn *txn = NULL;
    struct stm_buf b = {0};
    struct stm_id now;
    stm_buf_put(&b, magic, sizeof magic);
    stm_buf_u32(&b, c->n);
    stm_buf_put(&b, c->texts.p, c->texts.n);
    if (b.n < 256) stm_buf_zero(&b, 256 - b.n);
    int rc =
        b.failed || c->texts.failed ? stm_fail(err, STM_E_NOMEM, "registering: out of memory") : 0;
    if (!rc) rc = stm_txn_begin(&txn, s, err);
    if (!rc) rc = stm_txn_put(txn, STM_OBJ_RECORD, b.p, b.n, 1, NULL, 0, &now, err);
    if (!rc) rc = stm_txn_ref(txn, name, old, &now, err);
    if (!rc)
        rc = stm_txn_commit(txn, err);
    else
        stm_txn_abort(txn);
    stm_buf_release(&b);
    return rc;
}

int stm_registry_add(struct stm_store *s, const struct stm_plan *plan, unsigned *added,
                     struct stm_err *err)
{
    bool any, flags[EXPECTS_MAX];
    struct collector c = {0};
    struct stm_id old = {0};
    char name[64];
    *added = 0;
    if (plan->n_expects > EXPECTS_MAX)
        return stm_fail(err, STM_E_INVALID, "registering: more than %d expectations", EXPECTS_MAX);
    int rc = ref_of(plan, name, err);
    if (!rc) rc = stm_registry_read(s, plan, &any, flags, err);
    if (!rc && any) rc = stm_ref_get(s, name, &old, err);
    if (!rc && any) rc = each_text(s, &old, collect, &c, err);
    for (unsigned i = 0; !rc && i < plan->n_expects; i++)
        if (!flags[i]) {
            collect(&c, plan->expects[i].text, strlen(plan->expects[i].text));
            ++*added;
        }
    if (!rc && *added) rc = put(s, name, any ? &old : NULL, &c, err);
    stm_buf_release(&c.texts);
    return rc;
}
