/* The canonical text of settings, and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "engine/call.h"
#include "engine/settings.h"

/* Lines of the text, in memory of their own. */
struct lines {
    struct stm_arena arena;
    const char **line; /* [cap] */
    size_t n, cap;
    bool failed;
};

static void add_line(struct lines *l, const char *prefix, const char *name, const char *value)
{
    char *line = stm_arena_printf(&l->arena, "%s%s = %s", prefix, name, value);
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        const char **more = stm_realloc(l->line, cap * sizeof *more);
        if (more) l->line = more, l->cap = cap;
    }
    l->failed = l->failed || !line || l->n == l->cap;
    if (!l->failed) l->line[l->n++] = line;
}

static void add_value(struct lines *l, const char *prefix, const char *name,
                      const struct stm_param *p, double value)
{
    char number[STM_NUMBER_TEXT];
    if (isnan(value)) return;
    if (p->kind == STM_K_SYM || (p->syms && value < 0)) {
        add_line(l, prefix, name, p->syms[(size_t)(value < 0 ? -1 - value : value)]);
    } else {
        stm_number_text(number, value);
        add_line(l, prefix, name, number);
    }
}

static bool is_quiet(const struct stm_param *p, double value)
{
    return p->quiet && value == stm_param_default(p);
}

/* An argument of the optimizer that a knob stands for has the knob's name. */
static void add_part(struct lines *l, const struct stm_settings *s, enum stm_part part)
{
    const struct stm_sig *sig = stm_settings_part(s, part);
    char prefix[24];
    if (!sig) return;
    snprintf(prefix, sizeof prefix, "%s.", stm_part_names[part]);
    add_line(l, "", stm_part_names[part], sig->name);
    for (size_t i = 0; i < sig->n_params; i++) {
        const struct stm_param *p = &sig->params[i];
        const char *knob = NULL;
        if (is_quiet(p, s->arg[part][i])) continue;
        for (int k = 0; part == STM_PART_OPTIMIZER && k < STM_KNOBS; k++)
            if (stm_knob_alias[k] && strcmp(stm_knob_alias[k], p->name) == 0)
                knob = stm_knobs[k].name;
        add_value(l, knob ? "" : prefix, knob ? knob : p->name, p, s->arg[part][i]);
    }
}

/* Knob `k`: not at a default that came later, and not the argument of a word out of force. */
static void add_knob(struct lines *l, const struct stm_settings *s, int k)
{
    const struct stm_param *p = &stm_knobs[k];
    int word, owner = stm_knob_owner(k, &word);
    bool quiet = owner >= 0 ? s->knob[owner] != word : is_quiet(p, s->knob[k]);
    if (!quiet && !stm_knob_alias[k]) add_value(l, "", p->name, p, s->knob[k]);
}

static void add_group_knob(struct lines *l, const struct stm_group_knob *k)
{
    const struct stm_param *p = &stm_knobs[k->knob];
    char prefix[24];
    snprintf(prefix, sizeof prefix, "%.*s", (int)stm_knob_prefix(p), p->name);
    add_value(l, prefix, k->group, p, k->value);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_holds(struct stm_buf *b, const struct stm_settings *s)
{
    for (size_t i = 0; i < s->n_holds; i++) {
        const struct stm_hold *h = &s->hold[i];
        stm_buf_printf(b, "hold %s %s ", h->quantity, h->op == STM_HOLD_LE ? "<=" : "=");
        for (size_t k = 0; k < h->n; k++) {
            char number[STM_NUMBER_TEXT];
            stm_number_text(number, h->v[k]);
            stm_buf_printf(b, "%s%s", k ? ", " : h->n > 1 ? "(" : "", number);
        }
        stm_buf_printf(b, h->n > 1 ? ")\n" : "\n");
    }
    for (size_t i = 0; i < s->n_freezes; i++) stm_buf_printf(b, "freeze %s\n", s->freeze[i]);
}

const char *stm_settings_text(struct stm_settings *s)
{
    struct lines l = {0};
    for (int part = 0; part < STM_PARTS; part++) add_part(&l, s, (enum stm_part)part);
    for (int i = 0; i < STM_KNOBS; i++) add_knob(&l, s, i);
    for (size_t i = 0; i < s->n_group_knobs; i++) add_group_knob(&l, &s->group_knob[i]);
    if (l.n) qsort(l.line, l.n, sizeof *l.line, by_text);

    stm_buf_clear(&s->text);
    for (size_t i = 0; i < l.n; i++) stm_buf_printf(&s->text, "%s\n", l.line[i]);
    put_holds(&s->text, s);
    const char *text = stm_buf_text(&s->text);
    bool failed = l.failed || s->text.failed;
    stm_free(l.line);
    stm_arena_release(&l.arena);
    return failed ? NULL : text;
}

/* ---- reading ---- */

static bool is_part(const char *key)
{
    for (int part = 0; part < STM_PARTS; part++)
        if (strcmp(key, stm_part_names[part]) == 0) return true;
    return false;
}

static int read_value(struct stm_settings *s, const char *key, const char *value,
                      struct stm_err *err)
{
    char *end;
    double number = strtod(value, &end);
    if (end != value && *end == '\0') return stm_settings_num(s, key, number, err);
    return stm_settings_sym(s, key, value, err);
}

/* "1", or "(0.2, 0.8)": v[n], with room for as many as there are commas and one more. False when it
 * is neither. */
static bool read_values(const char *text, double *v, size_t *n)
{
    const bool many = *text == '(';
    const char *at = text + many;
    char *end;
    for (*n = 0;; at = end + 1) {
        v[*n] = strtod(at, &end);
        if (end == at) return false;
        ++*n;
        if (*end != ',') break;
    }
    return strcmp(end, many ? ")" : "") == 0;
}

static int read_hold(struct stm_settings *s, char *text, struct stm_err *err)
{
    char *op = strstr(text, " = ");
    enum stm_hold_op kind = STM_HOLD_EQ;
    if (!op) {
        op = strstr(text, " <= ");
        kind = STM_HOLD_LE;
    }
    if (!op) return stm_fail(err, STM_E_INVALID, "settings: `hold %s` has no = or <=", text);
    *op = '\0';
    const char *values = op + (kind == STM_HOLD_LE ? 4 : 3);
    size_t n = 1;
    for (const char *c = values; *c; c++) n += *c == ',';
    double *v = stm_calloc(n, sizeof *v);
    if (!v) return stm_fail(err, STM_E_NOMEM, "no memory for settings");
    int rc = read_values(values, v, &n)
                 ? stm_settings_hold(s, text, kind, v, n, err)
                 : stm_fail(err, STM_E_INVALID, "settings: `%s` is not a number", values);
    stm_free(v);
    return rc;
}

/* The first pass takes the parts, because they bring the arguments that the second one sets. */
static int read_line(struct stm_settings *s, char *line, bool first, struct stm_err *err)
{
    if (!*line) return 0;
    if (!strncmp(line, "hold ", 5)) return first ? 0 : read_hold(s, line + 5, err);
    if (!strncmp(line, "freeze ", 7)) return first ? 0 : stm_settings_freeze(s, line + 7, err);
    char *eq = strstr(line, " = ");
    if (!eq) return stm_fail(err, STM_E_INVALID, "settings: `%.60s` is not key = value", line);
    *eq = '\0';
    int rc = is_part(line) == first ? read_value(s, line, eq + 3, err) : 0;
    *eq = ' ';
    return rc;
}

int stm_settings_parse(struct stm_settings **out, const char *text, struct stm_err *err)
{
    struct stm_settings *s = NULL;
    char *copy = stm_strdup(text);
    int rc =
        copy ? stm_settings_new(&s, err) : stm_fail(err, STM_E_NOMEM, "no memory for settings");
    for (int pass = 0; !rc && pass < 2; pass++) {
        for (char *line = copy; line && !rc;) {
            char *next = strchr(line, '\n');
            if (next) *next = '\0';
            rc = read_line(s, line, pass == 0, err);
            if (next) *next++ = '\n';
            line = next;
        }
    }
    stm_free(copy);
    if (rc)
        stm_settings_free(s);
    else
        *out = s;
    return rc;
}
