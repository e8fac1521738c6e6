#include "run/job.h"

#include <string.h>

#include "base/fail.h"
#include "run/wire.h"

static const char magic[16] = "stemma job 1\n";

struct stm_id stm_job_id(const struct stm_job *j)
{
    bool derived = j->origin.fresh || *j->origin.edits;
    if (derived) return stm_origin_key(&j->origin);
    return stm_trail_key(&j->origin.parent, j->origin.settings, j->origin.profile);
}

static void put_steps(struct stm_buf *b, const uint64_t *steps, size_t n)
{
    stm_buf_u32(b, (uint32_t)n);
    for (size_t i = 0; i < n; i++) stm_buf_u64(b, steps[i]);
}

void stm_job_encode(const struct stm_job *j, struct stm_buf *out)
{
    stm_buf_put(out, magic, sizeof magic);
    stm_wire_put_id(out, &j->plan);
    stm_buf_u32(out, (uint32_t)j->node);
    stm_buf_u32(out, (uint32_t)j->seed);
    stm_buf_u64(out, j->fork);
    stm_buf_u8(out, j->origin.fresh);
    stm_buf_u64(out, j->origin.seed);
    stm_wire_put_id(out, &j->origin.parent);
    stm_buf_u64(out, j->origin.step);
    stm_buf_str(out, j->origin.edits);
    stm_buf_str(out, j->origin.settings);
    stm_buf_str(out, j->origin.profile);
    stm_buf_u8(out, j->start_known);
    stm_wire_put_id(out, &j->start);
    stm_wire_put_id(out, &j->head);
    stm_buf_u64(out, j->resume);
    stm_buf_u64(out, j->until);
    stm_buf_u8(out, j->again);
    stm_buf_u8(out, j->root);
    stm_buf_u32(out, j->stop_events);
    stm_buf_u32(out, j->anchor_events);
    stm_buf_u32(out, j->latched);
    stm_buf_u64(out, j->anchor_every);
    stm_buf_u64(out, j->usual);
    put_steps(out, j->anchors, j->n_anchors);
    put_steps(out, j->rows, j->n_rows);
}

/* NULL also for none. */
static const uint64_t *steps_of(struct stm_rd *r, size_t *n, struct stm_arena *a, bool *nomem)
{
    *n = stm_rd_u32(r);
    if (*n > (r->n - r->at) / 8) r->bad = true;
    if (r->bad || !*n) return NULL;
    uint64_t *steps = stm_arena_alloc(a, *n * sizeof *steps);
    *nomem = *nomem || !steps;
    for (size_t i = 0; steps && i < *n; i++) steps[i] = stm_rd_u64(r);
    return steps;
}

static const char *text_of(struct stm_rd *r, struct stm_arena *a, bool *nomem)
{
    const char *s = stm_wire_str(r, a);
    *nomem = *nomem || (!s && !r->bad);
    return s ? s : "";
}

int stm_job_decode(struct stm_job *j, const void *p, size_t n, struct stm_arena *a,
                   struct stm_err *err)
{
    struct stm_rd r = {.p = p, .n = n};
    bool nomem = false;
    const void *m = stm_rd_bytes(&r, sizeof magic);
    if (!m || memcmp(m, magic, sizeof magic))
        return stm_fail(err, STM_E_FORMAT, "these bytes are not a job of stemma");
    *j = (struct stm_job){.plan = stm_wire_id(&r)};
    j->node = (int)stm_rd_u32(&r);
    j->seed = (int)stm_rd_u32(&r);
    j->fork = stm_rd_u64(&r);
    j->origin.fresh = stm_rd_u8(&r) != 0;
    j->origin.seed = stm_rd_u64(&r);
    j->origin.parent = stm_wire_id(&r);
    j->origin.step = stm_rd_u64(&r);
    j->origin.edits = text_of(&r, a, &nomem);
    j->origin.settings = text_of(&r, a, &nomem);
    j->origin.profile = text_of(&r, a, &nomem);
    j->start_known = stm_rd_u8(&r) != 0;
    j->start = stm_wire_id(&r);
    j->head = stm_wire_id(&r);
    j->resume = stm_rd_u64(&r);
    j->until = stm_rd_u64(&r);
    j->again = stm_rd_u8(&r) != 0;
    j->root = stm_rd_u8(&r) != 0;
    j->stop_events = stm_rd_u32(&r);
    j->anchor_events = stm_rd_u32(&r);
    j->latched = stm_rd_u32(&r);
    j->anchor_every = stm_rd_u64(&r);
    j->usual = stm_rd_u64(&r);
    j->anchors = steps_of(&r, &j->n_anchors, a, &nomem);
    j->rows = steps_of(&r, &j->n_rows, a, &nomem);
    if (nomem) return stm_fail(err, STM_E_NOMEM, "reading a job: out of memory");
    if (r.bad || r.at != r.n) return stm_fail(err, STM_E_FORMAT, "a job that is cut or damaged");
    return 0;
}

const struct stm_trail_entry *stm_job_anchor(const struct stm_columns *c, uint64_t from,
                                             uint64_t resume, bool again,
                                             const struct stm_trail *trail)
{
    const struct stm_trail_entry *e = stm_trail_at(trail, resume);
    bool update = false;
    for (unsigned i = 0; again && resume > from && i < c->n; i++) {
        double unused;
        if (c->use[i] & STM_USE_UPDATE)
            update = update || !e || !stm_trail_metric(trail, e, c->text[i], &unused);
    }
    return stm_trail_anchor(trail, resume - update);
}
