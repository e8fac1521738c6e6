/* What a replicate is made of: where it begins, and its stretches of constant settings. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/resolve.h"

enum { PIECES_MAX = 64 };

struct stm_replicate *stm_view_replicate(const struct stm_view *v, int node, unsigned seed)
{
    return &v->reps[(size_t)node * v->n_seeds + seed];
}

static int lineage_of(const struct stm_view *v, int node, unsigned seed, struct stm_lineage *l,
                      struct stm_err *err)
{
    int chain[32];
    unsigned n = 0;
    for (int at = node; at >= 0 && n < 32; n++) {
        chain[n] = at;
        int fork = v->plan->nodes[at].fork;
        at = fork < 0 ? -1 : v->plan->forks[fork].node;
    }
    if (chain[n - 1] != v->plan->nodes[node].run)
        return stm_fail(err, STM_E_INVALID, "arm `%s` is nested too deeply",
                        v->plan->nodes[node].path);
    l->n = n;
    for (unsigned i = 0; i < n; i++) {
        l->nodes[i] = chain[n - 1 - i];
        l->fork_steps[i] = stm_view_replicate(v, l->nodes[i], seed)->pub.fork_step;
    }
    return 0;
}

static void release_piece(struct stm_piece *p)
{
    stm_free(p->settings);
    stm_free(p->edits);
    *p = (struct stm_piece){0};
}

void stm_view_drop_pieces(struct stm_replicate *r)
{
    for (unsigned i = 0; i < r->n_pieces; i++) release_piece(&r->pieces[i]);
    stm_free(r->pieces);
    r->pieces = NULL;
    r->n_pieces = r->cap_pieces = 0;
}

static int piece_settings(const struct stm_timeline *t, struct stm_piece *p, struct stm_err *err)
{
    struct stm_settings *s = NULL;
    int rc = stm_timeline_settings(t, p->from, &s, err);
    if (rc) return rc;
    const char *text = stm_settings_text(s);
    p->settings = text ? stm_strdup(text) : NULL;
    stm_settings_free(s);
    return p->settings ? 0 : stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
}

/* The value of `key` in a settings text: its line, for comparing. */
static const char *line_of(const char *text, const char *key, size_t *n)
{
    size_t k = strlen(key);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, key, k)) continue;
        *n = strcspn(line, "\n");
        return line;
    }
    *n = 0;
    return "";
}

/* Whether a state made under `before` has other tensors than `after` needs: its own conversion. The
 * optimizer is that of the run: no arm changes it. */
static bool layout_changes(const char *before, const char *after)
{
    static const char *const keys[] = {"precision", "grad", "hold logit_scale"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t a, b;
        const char *x = line_of(before, keys[i], &a), *y = line_of(after, keys[i], &b);
        if (a != b || memcmp(x, y, a)) return true;
    }
    return false;
}

/* The settings that the state at the replicate's fork was made under, or NULL. */
static const char *settings_before(const struct stm_view *v, const struct stm_replicate *r)
{
    struct stm_place p;
    if (v->plan->nodes[r->node].fork < 0) return NULL;
    struct stm_moment at = {STM_AT_FORK, NAN};
    return stm_view_place(v, r->node, r->seed, at, &p) == STM_FACT_KNOWN ? p.piece->settings : NULL;
}

/* How a piece begins: from a seed, from the state `parent` as it is, or from an edit of it. */
static int piece_start(struct stm_view *v, const struct stm_timeline *t, struct stm_replicate *r,
                       struct stm_piece *p, const struct stm_id *parent, const char *before,
                       struct stm_err *err)
{
    bool fresh = parent->alg == 0;
    struct stm_buf edits = {0};
    if (before && layout_changes(before, p->settings)) stm_buf_printf(&edits, "convert\n");
    int rc = stm_timeline_edits(t, p->from, &edits, err);
    if (!rc) p->edits = stm_strdup(stm_buf_text(&edits));
    stm_buf_release(&edits);
    if (rc) return rc;
    if (!p->edits) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    p->origin = (struct stm_origin){.fresh = fresh,
                                    .seed = fresh ? (uint64_t)v->seeds[r->seed] : 0,
                                    .parent = *parent,
                                    .step = p->from,
                                    .edits = p->edits,
                                    .settings = p->settings,
                                    .profile = v->profile};
    p->origin_key = stm_origin_key(&p->origin);
    p->derived = fresh || *p->edits;
    if (!p->derived)
        p->start = *parent;
    else if (v->store)
        rc = stm_origin_load(&p->origin, v->store, &p->start, err);
    p->start_known = p->start.alg != 0;
    return rc;
}

/* Room for one more. Tasks point to pieces, but are made when all pieces of the replicate are. */
static int reserve_piece(struct stm_replicate *r, struct stm_err *err)
{
    if (r->n_pieces < r->cap_pieces) return 0;
    unsigned cap = r->cap_pieces ? 2 * r->cap_pieces : 1;
    struct stm_piece *p = stm_realloc(r->pieces, cap * sizeof *p);
    if (!p) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    memset(p + r->cap_pieces, 0, (cap - r->cap_pieces) * sizeof *p);
    r->pieces = p;
    r->cap_pieces = cap;
    return 0;
}

/* Begins the next piece: the first one at the fork, others where the one before is cut. */
static int add_piece(struct stm_view *v, struct stm_timeline *t, struct stm_replicate *r,
                     struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    struct stm_id parent = {0};
    if (r->n_pieces == PIECES_MAX)
        return stm_fail(err, STM_E_INVALID, "arm `%s` has more than %d windows", node->path,
                        PIECES_MAX);
    if (reserve_piece(r, err)) return STM_E_NOMEM;
    const struct stm_piece *last = r->n_pieces ? &r->pieces[r->n_pieces - 1] : NULL;
    const char *before = last ? last->settings : settings_before(v, r);
    if (last)
        parent = stm_trail_at(last->trail, last->cut.lo)->state;
    else if (node->fork >= 0)
        parent = v->forks[(size_t)node->fork * v->n_seeds + r->seed].pub.state;
    t->before_events = !last && node->fork < 0;
    struct stm_piece *p = &r->pieces[r->n_pieces++];
    p->from = last ? last->cut.lo : r->pub.fork_step;
    p->cut = stm_timeline_cut(t, p->from, &p->watch);
    int rc = piece_settings(t, p, err);
    if (!rc) rc = piece_start(v, t, r, p, &parent, before, err);
    if (rc) release_piece(&r->pieces[--r->n_pieces]);
    return rc;
}

/* Reads what has come into the store of the last piece since. */
static int refresh_piece(struct stm_view *v, struct stm_piece *p, struct stm_err *err)
{
    int rc = 0;
    if (!p->start_known && v->store) {
        rc = stm_origin_load(&p->origin, v->store, &p->start, err);
        p->start_known = p->start.alg != 0;
    }
    if (rc || !p->start_known) return rc;
    p->key = stm_trail_key(&p->start, p->settings, v->profile);
    return stm_view_trail(v, &p->key, &p->trail, err);
}

/* Follows the last piece as far as its trail goes: events on the way may say where it is cut. */
static int follow(struct stm_view *v, struct stm_timeline *t, const struct stm_lineage *l,
                  struct stm_replicate *r, struct stm_err *err)
{
    struct stm_piece *p = &r->pieces[r->n_pieces - 1];
    for (;;) {
        struct stm_range cut = p->cut;
        int rc = stm_events_advance(v, r, stm_piece_last(p), err);
        if (rc || !p->watch) return rc;
        stm_timeline_release(t);
        rc = stm_timeline_make(t, &v->data, l, r->seed, r->event, err);
        if (rc) return rc;
        t->before_events = p == r->pieces && v->plan->nodes[r->node].fork < 0;
        p->cut = stm_timeline_cut(t, p->from, &p->watch);
        if (p->cut.lo == cut.lo && p->cut.hi == cut.hi) return 0;
    }
}

/* Whether the last piece is complete: its cut is known, and the state there is stored. */
static bool is_complete(const struct stm_piece *p)
{
    if (!stm_range_known(p->cut) || p->cut.lo == STM_NEVER) return false;
    if (!p->trail || !p->trail->exists || p->trail->diverged <= p->cut.lo) return false;
    const struct stm_trail_entry *e = stm_trail_at(p->trail, p->cut.lo);
    return e && e->stored;
}

/* Whether the replicate has ended where its last piece is cut: what would begin there never acts.
 */
static int ends_at_cut(struct stm_view *v, struct stm_replicate *r, bool *ends, struct stm_err *err)
{
    int rc = stm_resolve_own(v, r, err);
    *ends = r->own.hi <= r->pieces[r->n_pieces - 1].cut.lo;
    return rc;
}

/* A later piece whose numbers have no value: it goes on to there, if it lives that long. */
static int next_piece(struct stm_view *v, struct stm_timeline *t, struct stm_replicate *r,
                      bool *ends, struct stm_err *err)
{
    struct stm_err local = {0};
    int rc = ends_at_cut(v, r, ends, err);
    if (rc || *ends) return rc;
    rc = add_piece(v, t, r, &local);
    if (rc && err) *err = local;
    if (rc != STM_E_INVALID) return rc;
    snprintf(r->blocked, sizeof r->blocked, "%.159s",
             *v->calibrate_why ? v->calibrate_why : local.msg);
    *ends = true;
    return 0;
}

static int make_pieces(struct stm_view *v, struct stm_timeline *t, const struct stm_lineage *l,
                       struct stm_replicate *r, struct stm_err *err)
{
    int rc = r->n_pieces ? 0 : add_piece(v, t, r, err);
    r->blocked[0] = 0;
    for (bool ends = false; !rc;) {
        rc = refresh_piece(v, &r->pieces[r->n_pieces - 1], err);
        if (!rc) rc = follow(v, t, l, r, err);
        if (rc || !is_complete(&r->pieces[r->n_pieces - 1])) return rc;
        rc = next_piece(v, t, r, &ends, err);
        if (ends) break;
    }
    return rc;
}

/* Pieces that are complete can still have been measured at more steps since. */
static int refresh_old_pieces(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    for (unsigned i = 0; i + 1 < r->n_pieces; i++) {
        int rc = refresh_piece(v, &r->pieces[i], err);
        if (rc) return rc;
    }
    return 0;
}

static void measure_extent(const struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_piece *p = &r->pieces[r->n_pieces - 1];
    uint64_t last = stm_piece_last(p);
    bool exists = p->trail && p->trail->exists, ended = exists && p->trail->diverged <= last;
    r->pub.last = ended ? p->trail->diverged : last;
    r->diverged = ended ? stm_range_at(p->trail->diverged) : stm_range_from(last + exists);
    for (unsigned e = 0; ended && e < v->plan->n_events; e++)
        if (r->event[e].lo > r->pub.last) r->event[e] = stm_range_at(STM_NEVER);
}

int stm_view_locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    struct stm_lineage l;
    struct stm_timeline t;
    struct stm_err local = {0};
    v->calibrate_why[0] = 0;
    int rc = lineage_of(v, r->node, r->seed, &l, err);
    stm_events_inherit(v, r);
    if (!rc) rc = stm_timeline_make(&t, &v->data, &l, r->seed, r->event, &local);
    if (!rc) {
        rc = refresh_old_pieces(v, r, &local);
        if (!rc) rc = make_pieces(v, &t, &l, r, &local);
        stm_timeline_release(&t);
    }
    /* The pieces before the one that failed stay: siblings cut their trajectories there. */
    r->located = !rc;
    if (!rc) measure_extent(v, r);
    if (rc == STM_E_NOTFOUND) { /* a number that is known only after another arm has run */
        snprintf(r->why, sizeof r->why, "%.159s", *v->calibrate_why ? v->calibrate_why : local.msg);
        return 0;
    }
    if (rc == STM_E_INVALID && *v->calibrate_why) /* says more than that it has no value */
        snprintf(local.msg, sizeof local.msg, "%s", v->calibrate_why);
    if (rc && err) *err = local.code ? local : *err;
    return rc;
}
