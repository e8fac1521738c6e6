/* What a replicate is made of: where it begins, and its stretches of constant settings. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/view.h"

enum { PIECES_MAX = 64 };

struct stm_replicate *stm_view_replicate(const struct stm_view *v, int node, unsigned seed)
{
    return &v->reps[(size_t)node * v->n_seeds + seed];
}

const struct stm_piece *stm_view_piece(const struct stm_view *v, int node, unsigned seed,
                                       uint64_t step, int *owner)
{
    for (;;) {
        const struct stm_replicate *r = stm_view_replicate(v, node, seed);
        if (!r->located) return NULL;
        const struct stm_node *n = &v->plan->nodes[node];
        if (n->fork < 0 || step > r->pub.fork_step) {
            if (owner) *owner = node;
            for (unsigned i = 0; i < r->n_pieces; i++)
                if (step <= r->pieces[i].cut) return &r->pieces[i];
            return NULL;
        }
        node = v->plan->forks[n->fork].node;
    }
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

static void drop_pieces(struct stm_replicate *r)
{
    for (unsigned i = 0; i < r->n_pieces; i++) {
        stm_free(r->pieces[i].settings);
        stm_free(r->pieces[i].edits);
    }
    stm_free(r->pieces);
    r->pieces = NULL;
    r->n_pieces = 0;
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

/* Whether a state made under `before` has other tensors than `after` needs: its own conversion. */
static bool layout_changes(const char *before, const char *after)
{
    static const char *const keys[] = {"precision", "optimizer =", "optimizer.momentum", "grad",
                                       "hold logit_scale"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t a, b;
        const char *x = line_of(before, keys[i], &a), *y = line_of(after, keys[i], &b);
        if (a != b || memcmp(x, y, a)) return true;
    }
    return false;
}

/* The settings of the last update before the replicate's fork, or NULL. */
static const char *settings_before(const struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    if (node->fork < 0) return NULL;
    const struct stm_piece *p =
        stm_view_piece(v, v->plan->forks[node->fork].node, r->seed, r->pub.fork_step, NULL);
    return p ? p->settings : NULL;
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
    p->derived = fresh || *p->edits;
    if (!p->derived)
        p->start = *parent;
    else if (v->store)
        rc = stm_origin_load(&p->origin, v->store, &p->start, err);
    p->start_known = p->start.alg != 0;
    return rc;
}

/* Takes back the piece that could not be finished. */
static void undo_piece(struct stm_replicate *r)
{
    struct stm_piece *p = &r->pieces[--r->n_pieces];
    stm_free(p->settings);
    stm_free(p->edits);
    *p = (struct stm_piece){0};
}

static int make_pieces(struct stm_view *v, const struct stm_timeline *t, struct stm_replicate *r,
                       struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    struct stm_id parent = {0};
    const char *before = settings_before(v, r);
    uint64_t from = r->pub.fork_step;
    r->pieces = stm_calloc(PIECES_MAX, sizeof *r->pieces);
    if (!r->pieces) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    if (node->fork >= 0) parent = v->forks[(size_t)node->fork * v->n_seeds + r->seed].pub.state;
    for (;;) {
        struct stm_piece *p = &r->pieces[r->n_pieces++];
        p->from = from;
        p->cut = stm_timeline_cut(t, from);
        int rc = piece_settings(t, p, err);
        if (!rc) rc = piece_start(v, t, r, p, &parent, before, err);
        if (rc) {
            undo_piece(r);
            return rc;
        }
        if (!p->start_known) return 0;
        p->key = stm_trail_key(&p->start, p->settings, v->profile);
        p->trail = stm_view_trail(v, &p->key, err);
        if (!p->trail) return err ? err->code : STM_E_IO;
        const struct stm_trail_entry *e =
            p->cut == STM_NEVER ? NULL : stm_trail_at(p->trail, p->cut);
        if (!e || !e->stored) return 0;
        if (r->n_pieces == PIECES_MAX)
            return stm_fail(err, STM_E_INVALID, "arm `%s` has more than %d windows",
                            v->plan->nodes[r->node].path, PIECES_MAX);
        from = p->cut;
        parent = e->state;
        before = p->settings;
    }
}

int stm_view_locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    struct stm_lineage l;
    struct stm_timeline t;
    struct stm_err local = {0};
    drop_pieces(r);
    r->located = true;
    v->calibrate_why[0] = 0;
    int rc = lineage_of(v, r->node, r->seed, &l, err);
    if (!rc) rc = stm_timeline_make(&t, &v->data, &l, r->seed, &local);
    if (!rc) {
        rc = make_pieces(v, &t, r, &local);
        stm_timeline_release(&t);
    }
    /* The pieces before the one that failed stay: siblings cut their trajectories there. */
    if (rc) r->located = false;
    if (rc == STM_E_NOTFOUND) { /* a number that is known only after another arm has run */
        snprintf(r->why, sizeof r->why, "%.159s", *v->calibrate_why ? v->calibrate_why : local.msg);
        return 0;
    }
    if (rc && err) *err = local.code ? local : *err;
    return rc;
}
