/* Results as text: tables cut to the width, contrasts, expectations, a summary. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "report/results.h"

struct page {
    const struct stm_results *r;
    const struct stm_data *d;
    struct stm_style style;
    struct stm_buf *out;
    struct stm_arena mem; /* texts being laid out */
    bool nomem;
};

enum { MAX_NOTES = 5 };

static void spaces(struct stm_buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++) stm_buf_u8(b, ' ');
}

/* Words of `text`, broken at the width; lines after the first begin `indent` columns in. `at`: the
 * column that the line has reached. */
static void put_wrapped(struct page *p, const char *text, size_t at, size_t indent)
{
    const char *end;
    for (bool first = true; *text; text = end, first = false) {
        while (*text == ' ') text++;
        end = text + strcspn(text, " ");
        size_t n = (size_t)(end - text);
        if (!first && p->style.width && at + 1 + n > p->style.width) {
            stm_buf_u8(p->out, '\n');
            spaces(p->out, indent);
            at = indent;
        } else if (!first && n > 0) {
            stm_buf_u8(p->out, ' ');
            at++;
        }
        stm_buf_put(p->out, text, n);
        at += n;
    }
    stm_buf_u8(p->out, '\n');
}

static const char *kept(struct page *p, struct stm_buf *b)
{
    const char *text = b->failed ? NULL : stm_arena_strndup(&p->mem, stm_buf_text(b), b->n);
    if (b->failed || !text) p->nomem = true;
    stm_buf_release(b);
    return p->nomem || !text ? "" : text;
}

/* ---- tables ---- */

struct layout {
    const char **text; /* [n_rows][n_cols] */
    size_t first;      /* width of the column of arms */
    size_t *width;     /* [n_cols] */
};

static const char *cell_text(struct page *p, const struct rep_cell *c)
{
    struct stm_buf b = {0};
    rep_put_cell(&b, &c->c);
    if (c->spread && c->c.state == STM_CELL_OK && c->c.v != c->high.v) {
        stm_buf_printf(&b, "..");
        rep_put_cell(&b, &c->high);
    }
    return kept(p, &b);
}

static bool lay_out(struct page *p, const struct rep_table *t, struct layout *l)
{
    l->text = stm_arena_alloc(&p->mem, ((size_t)t->n_rows * t->n_cols + 1) * sizeof *l->text);
    l->width = stm_arena_alloc(&p->mem, (t->n_cols + 1) * sizeof *l->width);
    if (!l->text || !l->width) {
        p->nomem = true;
        return false;
    }
    l->first = strlen("arm");
    for (unsigned k = 0; k < t->n_cols; k++) l->width[k] = strlen(t->heads[k]);
    for (unsigned r = 0; r < t->n_rows; r++) {
        size_t label = strlen(stm_ev_node_name(p->d->plan, t->nodes[r]));
        if (label > l->first) l->first = label;
        for (unsigned k = 0; k < t->n_cols; k++) {
            const char *text = cell_text(p, &t->cells[r * t->n_cols + k]);
            l->text[r * t->n_cols + k] = text;
            if (strlen(text) > l->width[k]) l->width[k] = strlen(text);
        }
    }
    return !p->nomem;
}

static void put_left(struct page *p, const char *text, size_t width)
{
    stm_buf_printf(p->out, "%s", text);
    spaces(p->out, width - strlen(text));
}

static void put_right(struct page *p, const char *text, size_t width)
{
    spaces(p->out, 2 + width - strlen(text));
    stm_buf_printf(p->out, "%s", text);
}

/* Columns from..to-1, beside the arms. */
static void put_block(struct page *p, const struct rep_table *t, const struct layout *l,
                      unsigned from, unsigned to)
{
    size_t total = 2 + l->first;
    spaces(p->out, 2);
    put_left(p, "arm", l->first);
    for (unsigned k = from; k < to; k++) {
        put_right(p, t->heads[k], l->width[k]);
        total += 2 + l->width[k];
    }
    stm_buf_printf(p->out, "\n  ");
    for (size_t i = 2; i < total; i++) stm_buf_u8(p->out, '-');
    stm_buf_u8(p->out, '\n');
    for (unsigned r = 0; r < t->n_rows; r++) {
        spaces(p->out, 2);
        put_left(p, stm_ev_node_name(p->d->plan, t->nodes[r]), l->first);
        for (unsigned k = from; k < to; k++) put_right(p, l->text[r * t->n_cols + k], l->width[k]);
        stm_buf_u8(p->out, '\n');
    }
}

/* What the cells without a value say, each reason once. */
static void put_notes(struct page *p, const struct rep_table *t)
{
    unsigned shown = 0, more = 0;
    const char *said[MAX_NOTES];
    for (unsigned i = 0; i < t->n_rows * t->n_cols; i++) {
        const struct stm_cell *c = &t->cells[i].c;
        if (c->state == STM_CELL_OK) continue;
        const char *why = c->why && c->why[0] ? c->why : "it takes part for no seed";
        bool known = false;
        for (unsigned k = 0; k < shown; k++) known |= strcmp(said[k], why) == 0;
        if (known) continue;
        if (shown == MAX_NOTES) {
            more++;
            continue;
        }
        said[shown++] = why;
        const char *arm = stm_ev_node_name(p->d->plan, t->nodes[i / t->n_cols]);
        stm_buf_printf(p->out, "  - %s: ", arm);
        put_wrapped(p, why, 6 + strlen(arm), 4);
    }
    if (more) stm_buf_printf(p->out, "  - and %u more cells without a value\n", more);
}

static void put_table(struct page *p, const struct rep_table *t)
{
    struct layout l;
    stm_buf_printf(p->out, "table %s\n", t->name);
    if (t->why) {
        stm_buf_printf(p->out, "  - not made: %s\n\n", t->why);
        return;
    }
    if (!lay_out(p, t, &l)) return;
    for (unsigned from = 0, to; from < t->n_cols || from == 0; from = to) {
        size_t width = 2 + l.first;
        for (to = from; to < t->n_cols; to++) {
            width += 2 + l.width[to];
            if (to > from && p->style.width && width > p->style.width) break;
        }
        put_block(p, t, &l, from, to);
        if (to == 0) break;
    }
    put_notes(p, t);
    stm_buf_u8(p->out, '\n');
}

static int put_tables(struct page *p, struct stm_err *err)
{
    const struct stm_plan *plan = p->d->plan;
    for (unsigned i = 0; i < plan->n_displays; i++) {
        struct rep_table t;
        if (plan->displays[i].figure) continue;
        int rc = rep_table_make(&t, p->d, p->r, &plan->displays[i], err);
        if (rc) return rc;
        put_table(p, &t);
        rep_table_release(&t);
    }
    return 0;
}

/* ---- claims ---- */

/* Ratios have 3 decimals, so that an interval lines up with its value, unless these would leave
 * less than 2 digits of it. */
static void put_estimate(struct stm_buf *b, const struct stm_claim *c, double v, bool censored)
{
    double size = v < 0 ? -v : v;
    if (censored) stm_buf_printf(b, "> ");
    if (c->op == '-' || size >= 1e6 || (size < 1e-2 && size > 0))
        rep_put_number(b, v);
    else
        stm_buf_printf(b, "%.3f", size > 0 ? v : 0);
}

static void put_fit(struct stm_buf *b, const struct stm_ols *f, unsigned seeds, unsigned left_out)
{
    stm_buf_printf(b, ": R2 = %.3f, slope", f->r2);
    for (size_t j = 0; j < f->k; j++) stm_buf_printf(b, "%s %.4g", j ? "," : "", f->coef[j]);
    if (f->k > 1) stm_buf_printf(b, ", R2 gained by the last = %.3f", f->dr2);
    stm_buf_printf(b, ", cells = %zu", f->n);
    if (left_out) stm_buf_printf(b, " (%u censored, left out)", left_out);
    stm_buf_printf(b, ", n = %u", seeds);
}

static void put_result(struct stm_buf *b, const struct stm_claim_result *r)
{
    stm_buf_printf(b, " = ");
    put_estimate(b, r->claim, r->value, r->censored);
    if (r->has_interval) {
        stm_buf_printf(b, "  [");
        put_estimate(b, r->claim, r->lo, r->lo_censored);
        stm_buf_printf(b, ", ");
        put_estimate(b, r->claim, r->hi, r->hi_censored);
        stm_buf_printf(b, "]");
    }
    stm_buf_printf(b, "  n = %u", r->n_seeds);
    if (r->why[0]) stm_buf_printf(b, "  (%s)", r->why);
}

static void put_claim(struct page *p, unsigned i, size_t indent)
{
    const struct stm_claim_result *r = &p->r->claims[i];
    const struct rep_results *all = (const struct rep_results *)p->r;
    const char *text = rep_claim_text(&p->mem, r->claim);
    struct stm_buf b = {0};
    if (!text) {
        p->nomem = true;
        return;
    }
    stm_buf_printf(&b, "%s", text);
    if (!r->known)
        stm_buf_printf(&b, ": %s (%s)", r->unknown ? "not measured yet" : "not evaluable", r->why);
    else if (r->claim->kind == STM_C_FIT)
        put_fit(&b, &all->fits[i], r->n_seeds, all->left_out[i]);
    else
        put_result(&b, r);
    stm_buf_printf(p->out, "  ");
    put_left(p, r->claim->name, indent - 2);
    if (p->style.width && indent + b.n > p->style.width)
        put_wrapped(p, stm_buf_text(&b), indent, indent + 2);
    else
        stm_buf_printf(p->out, "%s\n", stm_buf_text(&b));
    if (b.failed) p->nomem = true;
    stm_buf_release(&b);
    if (!r->claim->isolates) return;
    spaces(p->out, indent);
    stm_buf_printf(p->out, "isolates ");
    put_wrapped(p, r->claim->isolates, indent + 9, indent + 9);
}

/* Where a calibration stands, when another fork has one of the same name; else NULL. */
static const char *calibrate_place(const struct stm_plan *plan, unsigned i)
{
    for (unsigned k = 0; k < plan->n_calibrates; k++)
        if (k != i && strcmp(plan->calibrates[k].name, plan->calibrates[i].name) == 0)
            return plan->forks[plan->calibrates[i].fork].path;
    return NULL;
}

static void put_calibrate(struct page *p, unsigned i, size_t indent)
{
    const struct stm_calibrate *c = &p->d->plan->calibrates[i];
    const char *says = rep_expr_text(&p->mem, c->expr), *place = calibrate_place(p->d->plan, i);
    struct stm_buf b = {0};
    double value;
    char why[REP_WHY];
    stm_buf_printf(&b, "%s", says ? says : "");
    if (place) stm_buf_printf(&b, " at %s", place);
    if (rep_calibrate(p->d, i, &value, why)) {
        stm_buf_printf(&b, " = ");
        rep_put_number(&b, value);
    } else {
        stm_buf_printf(&b, ": %s", why);
    }
    stm_buf_printf(p->out, "  ");
    put_left(p, c->name, indent - 2);
    put_wrapped(p, kept(p, &b), indent, indent + 2);
    if (!says) p->nomem = true;
}

/* One number each for all seeds, which no table of arms has. */
static void put_calibrates(struct page *p)
{
    const struct stm_plan *plan = p->d->plan;
    size_t indent = 0;
    for (unsigned i = 0; i < plan->n_calibrates; i++) {
        size_t name = strlen(plan->calibrates[i].name);
        if (name > indent) indent = name;
    }
    if (plan->n_calibrates) stm_buf_printf(p->out, "calibrated\n");
    for (unsigned i = 0; i < plan->n_calibrates; i++) put_calibrate(p, i, indent + 4);
    if (plan->n_calibrates) stm_buf_u8(p->out, '\n');
}

static void put_claims(struct page *p)
{
    size_t indent = 0;
    unsigned n = p->d->plan->n_claims;
    for (unsigned i = 0; i < n; i++) {
        size_t name = strlen(p->r->claims[i].claim->name);
        if (name > indent) indent = name;
    }
    if (n) stm_buf_printf(p->out, "contrasts, estimates, fits\n");
    for (unsigned i = 0; i < n; i++) put_claim(p, i, indent + 4);
    if (n) stm_buf_u8(p->out, '\n');
}

/* ---- expectations ---- */

static const char *const colors[] = {
    [STM_HOLDS] = "\033[32m", [STM_FAILS] = "\033[1;31m", [STM_NOT_EVALUABLE] = "\033[33m"};

static void put_expect(struct page *p, const struct stm_expect_result *r)
{
    enum { WORD = 15 }; /* "not evaluable" and two spaces */
    const char *word = rep_outcome_name(r->outcome);
    stm_buf_printf(p->out, "  %s%s%s", p->style.color ? colors[r->outcome] : "", word,
                   p->style.color ? "\033[0m" : "");
    spaces(p->out, WORD - strlen(word));
    put_wrapped(p, r->expect->text, 2 + WORD, 2 + WORD + 2);
    static const char *const stated[] = {[STM_REG_BEFORE] = "registered before there were data",
                                         [STM_REG_AFTER] = "added after data"};
    const char *lines[] = {r->why, r->registration ? stated[r->registration] : ""};
    for (size_t i = 0; i < 2; i++) {
        if (!*lines[i]) continue;
        spaces(p->out, 2 + WORD + 2);
        put_wrapped(p, lines[i], 2 + WORD + 2, 2 + WORD + 2);
    }
}

static void put_expects(struct page *p)
{
    unsigned n = p->d->plan->n_expects;
    if (n) stm_buf_printf(p->out, "expectations\n");
    for (unsigned i = 0; i < n; i++) put_expect(p, &p->r->expects[i]);
    if (n)
        stm_buf_printf(p->out, "\nexpectations: %u hold%s, %u fail%s, %u not evaluable\n",
                       p->r->holds, p->r->holds == 1 ? "s" : "", p->r->fails,
                       p->r->fails == 1 ? "s" : "", p->r->not_evaluable);
}

static void put_title(struct page *p)
{
    const struct stm_plan *plan = p->d->plan;
    stm_buf_printf(p->out, "%s\n", plan->title ? plan->title : plan->name);
    for (unsigned i = 0; i < plan->n_params; i++)
        if (plan->params[i].overridden)
            stm_buf_printf(p->out, "with %s = %s\n", plan->params[i].name, plan->params[i].text);
    stm_buf_printf(p->out, "%u seed%s\n\n", p->d->n_seeds, p->d->n_seeds == 1 ? "" : "s");
}

int stm_results_print(const struct stm_results *r, const struct stm_data *d, struct stm_style style,
                      struct stm_buf *out, struct stm_err *err)
{
    struct page p = {.r = r, .d = d, .style = style, .out = out};
    put_title(&p);
    int rc = put_tables(&p, err);
    if (rc == 0) {
        put_calibrates(&p);
        put_claims(&p);
        put_expects(&p);
    }
    stm_arena_release(&p.mem);
    if (rc == 0 && (p.nomem || out->failed))
        rc = stm_fail(err, STM_E_NOMEM, "results: out of memory");
    return rc;
}
