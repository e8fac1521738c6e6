#include "engine/call.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const stm_op_names[STM_OPS] = {">=", "<=", ">", "<"};

static const char *skip(const char *s)
{
    while (*s == ' ' || *s == '\t') s++;
    return s;
}

bool stm_word_is(struct stm_word w, const char *text)
{
    return strncmp(w.p, text, w.n) == 0 && text[w.n] == '\0';
}

/* A word; returns what follows it and its blanks, or NULL. */
static const char *word(const char *s, struct stm_word *out)
{
    size_t n = 0;
    s = skip(s);
    while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.') n++;
    if (n == 0 || isdigit((unsigned char)*s)) return NULL;
    *out = (struct stm_word){s, n};
    return skip(s + n);
}

/* FIELD OP NUMBER */
static const char *condition(const char *s, struct stm_call *out)
{
    s = word(s, &out->field);
    if (!s) return NULL;
    for (int op = 0; op < STM_OPS; op++) {
        size_t n = strlen(stm_op_names[op]);
        if (strncmp(s, stm_op_names[op], n) != 0) continue;
        char *end;
        out->op = op;
        out->bound = strtod(s + n, &end);
        return end != s + n && isfinite(out->bound) ? skip(end) : NULL;
    }
    return NULL;
}

bool stm_call_parse(struct stm_call *out, const char *text)
{
    *out = (struct stm_call){.arg = {"", 0}, .field = {"", 0}, .op = -1};
    const char *s = word(text, &out->name);
    if (s && *s == '(') {
        s = word(s + 1, &out->arg);
        if (s && *s == ',') s = condition(s + 1, out);
        if (!s || *s != ')') return false;
        s = skip(s + 1);
    }
    return s && *s == '\0';
}

bool stm_quantity_parse(struct stm_quantity *out, const char *text)
{
    struct stm_word w;
    *out = (struct stm_quantity){0};
    const char *s = word(text, &out->name);
    if (!s || *s == '\0') return s != NULL;
    if (*s != '(') return false;
    out->args = s + 1;
    do {
        const char *at = s + 1;
        if (!(s = word(at, &w))) return false;
        out->n++;
        if (*s == '(' && out->n == 1 && stm_word_is(w, "rows")) {
            out->args = s + 1;
            if (!(s = word(s + 1, &w)) || *s != ')') return false;
            out->rows = true;
            s = skip(s + 1);
        }
    } while (*s == ',' && !out->rows);
    return *s == ')' && *skip(s + 1) == '\0';
}

struct stm_word stm_quantity_next(const char **at)
{
    struct stm_word w = {"", 0};
    const char *s = word(*at, &w);
    *at = s ? s + 1 : "";
    return w;
}

void stm_number_text(char out[STM_NUMBER_TEXT], double v)
{
    char text[STM_NUMBER_TEXT] = "";
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    memcpy(out, text, sizeof text);
}
