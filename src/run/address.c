/* Addresses: "trunk/post/raised[tau=1.3]#7@2000"; whatever is unambiguous may be left out. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "run/view.h"

/* A piece of text, not terminated. */
struct slice {
    const char *p;
    size_t n;
};

enum { PARTS_MAX = 16 };

/* The first `c` outside brackets, or NULL. */
static const char *find_outside(const char *p, const char *end, char c)
{
    int depth = 0;
    for (; p < end; p++) {
        if (*p == '[')
            depth++;
        else if (*p == ']')
            depth--;
        else if (*p == c && depth == 0)
            return p;
    }
    return NULL;
}

static unsigned split(struct slice s, char c, struct slice *parts)
{
    unsigned n = 0;
    const char *end = s.p + s.n;
    while (n < PARTS_MAX) {
        const char *at = find_outside(s.p, end, c);
        parts[n++] = (struct slice){s.p, (size_t)((at ? at : end) - s.p)};
        if (!at) break;
        s.p = at + 1;
    }
    return n;
}

static struct slice head_of(struct slice s)
{
    const char *b = memchr(s.p, '[', s.n);
    return (struct slice){s.p, b ? (size_t)(b - s.p) : s.n};
}

static struct slice trim(struct slice s)
{
    while (s.n && isspace((unsigned char)*s.p)) s.p++, s.n--;
    while (s.n && isspace((unsigned char)s.p[s.n - 1])) s.n--;
    return s;
}

static bool equal(struct slice a, struct slice b) { return a.n == b.n && !memcmp(a.p, b.p, a.n); }

/* "tau = 1.30" against "tau=1.3": names alike, values alike as text or as numbers. */
static bool same_bind(struct slice a, struct slice b)
{
    struct slice pa[PARTS_MAX], pb[PARTS_MAX];
    if (split(a, '=', pa) != 2 || split(b, '=', pb) != 2) return false;
    if (!equal(trim(pa[0]), trim(pb[0]))) return false;
    struct slice x = trim(pa[1]), y = trim(pb[1]);
    if (equal(x, y)) return true;
    char tx[64], ty[64], *ex, *ey;
    if (x.n >= sizeof tx || y.n >= sizeof ty || !x.n || !y.n) return false;
    snprintf(tx, sizeof tx, "%.*s", (int)x.n, x.p);
    snprintf(ty, sizeof ty, "%.*s", (int)y.n, y.p);
    double vx = strtod(tx, &ex), vy = strtod(ty, &ey);
    return !*ex && !*ey && vx == vy;
}

static unsigned binds_of(struct slice s, struct slice *binds)
{
    const char *b = memchr(s.p, '[', s.n);
    if (!b || s.p[s.n - 1] != ']') return 0;
    return split((struct slice){b + 1, (size_t)(s.p + s.n - 1 - b - 1)}, ',', binds);
}

/* Whether the part that was given names the label: same name, and every binding given is in it. */
static bool names(struct slice given, struct slice label)
{
    if (!equal(head_of(given), head_of(label))) return false;
    if (memchr(given.p, '[', given.n) && given.p[given.n - 1] != ']') return false;
    struct slice want[PARTS_MAX], have[PARTS_MAX];
    unsigned nw = binds_of(given, want), nh = binds_of(label, have);
    for (unsigned i = 0; i < nw; i++) {
        bool found = false;
        for (unsigned k = 0; k < nh; k++) found = found || same_bind(want[i], have[k]);
        if (!found) return false;
    }
    return true;
}

/* The last part names the node, those before it name ancestors in order. */
static bool path_matches(struct slice given, const char *path)
{
    struct slice g[PARTS_MAX], p[PARTS_MAX];
    unsigned ng = split(given, '/', g), np = split((struct slice){path, strlen(path)}, '/', p);
    if (!names(g[ng - 1], p[np - 1])) return false;
    unsigned at = 0;
    for (unsigned i = 0; i + 1 < ng; i++) {
        while (at + 1 < np && !names(g[i], p[at])) at++;
        if (at + 1 >= np) return false;
        at++;
    }
    return true;
}

static int find_node(const struct stm_view *v, struct slice path, int *node, struct stm_err *err)
{
    char list[160] = "";
    size_t at = 0;
    unsigned found = 0;
    for (unsigned i = 0; i < v->plan->n_nodes; i++) {
        const char *p = v->plan->nodes[i].path;
        if (!path_matches(path, p)) continue;
        if (!found++) *node = (int)i;
        if (equal(path, (struct slice){p, strlen(p)})) {
            *node = (int)i;
            return 0;
        }
        int n = snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", p);
        if (n > 0 && at + (size_t)n < sizeof list) at += (size_t)n;
    }
    if (found == 1) return 0;
    if (found)
        return stm_fail(err, STM_E_USAGE, "`%.*s` is ambiguous: %s", (int)path.n, path.p, list);
    for (unsigned i = 0; i < v->plan->n_nodes; i++) {
        int n =
            snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", v->plan->nodes[i].path);
        if (n > 0 && at + (size_t)n < sizeof list) at += (size_t)n;
    }
    return stm_fail(err, STM_E_NOTFOUND, "no arm or run `%.*s`; there are: %s", (int)path.n, path.p,
                    list);
}

static int find_seed(const struct stm_view *v, struct slice text, int *seed, struct stm_err *err)
{
    char digits[16], *end;
    snprintf(digits, sizeof digits, "%.*s", (int)text.n, text.p);
    long n = strtol(digits, &end, 10);
    if (!text.n || text.n >= sizeof digits || *end)
        return stm_fail(err, STM_E_USAGE, "`#%.*s` is not a seed: write a number", (int)text.n,
                        text.p);
    for (unsigned s = 0; s < v->n_seeds; s++)
        if (v->seeds[s] == n) {
            *seed = (int)s;
            return 0;
        }
    return stm_fail(err, STM_E_NOTFOUND, "seed %ld is not among %d..%d", n, v->seeds[0],
                    v->seeds[v->n_seeds - 1]);
}

static int event_step(const struct stm_view *v, struct slice text, struct stm_address *a,
                      struct stm_err *err)
{
    for (unsigned e = 0; e < v->plan->n_events; e++) {
        const char *name = v->plan->events[e].name;
        if (!equal(text, (struct slice){name, strlen(name)})) continue;
        double step;
        bool censored = true;
        if (!v->data.event(v->data.ctx, a->node, (unsigned)a->seed, (int)e, &step, &censored) ||
            censored)
            return stm_fail(err, STM_E_NOTFOUND, "`%s` has not come in `%s#%d`", name,
                            v->plan->nodes[a->node].path, v->seeds[a->seed]);
        a->at = STM_STEP(step);
        return 0;
    }
    return stm_fail(err, STM_E_USAGE,
                    "`@%.*s` is not a step: write a number, fork, start, stop or an event",
                    (int)text.n, text.p);
}

static int find_step(const struct stm_view *v, struct slice text, struct stm_address *a,
                     struct stm_err *err)
{
    a->has_at = true;
    char word[32], *end;
    snprintf(word, sizeof word, "%.*s", (int)text.n, text.p);
    unsigned long long n = strtoull(word, &end, 10);
    if (text.n && text.n < sizeof word && isdigit((unsigned char)*word) && !*end) {
        a->at = STM_STEP(n);
        return 0;
    }
    if (a->seed < 0)
        return stm_fail(err, STM_E_USAGE, "`@%s` differs from seed to seed: add #SEED", word);
    struct stm_rep r = stm_view_rep(v, a->node, (unsigned)a->seed);
    if (!strcmp(word, "fork") || !strcmp(word, "start")) {
        a->at.when = word[0] == 's' ? STM_AT_START : STM_AT_FORK;
        a->at.step = (double)r.fork_step;
        if (r.fork_step != STM_NEVER) return 0;
    } else if (!strcmp(word, "stop")) {
        double stop;
        a->at.when = STM_AT_STOP;
        if (v->data.stop_step(v->data.ctx, a->node, (unsigned)a->seed, &stop)) {
            a->at.step = stop;
            return 0;
        }
    } else {
        return event_step(v, text, a, err);
    }
    return stm_fail(err, STM_E_NOTFOUND, "`@%s` of `%s#%d` is not known yet: it is %s %s", word,
                    v->plan->nodes[a->node].path, v->seeds[a->seed], stm_rep_status_name(r.status),
                    r.why);
}

int stm_address_find(const struct stm_view *v, const char *text, struct stm_address *out,
                     struct stm_err *err)
{
    const char *end = text + strlen(text);
    const char *at = find_outside(text, end, '@');
    const char *hash = find_outside(text, at ? at : end, '#');
    const char *path_end = hash ? hash : at ? at : end;
    *out = (struct stm_address){.node = -1, .seed = v->n_seeds == 1 ? 0 : -1};
    int rc = find_node(v, (struct slice){text, (size_t)(path_end - text)}, &out->node, err);
    if (!rc && hash)
        rc = find_seed(v, (struct slice){hash + 1, (size_t)((at ? at : end) - hash - 1)},
                       &out->seed, err);
    if (!rc && at) rc = find_step(v, (struct slice){at + 1, (size_t)(end - at - 1)}, out, err);
    return rc;
}
