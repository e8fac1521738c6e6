/* Canonical bytes and ids of states; a state through the store; differences. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "state/manifest.h"
#include "stemma/state.h"

static char dir[64];

static void make_dir(void)
{
    strcpy(dir, "/tmp/stemma-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void drop_dir(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static void add(struct stm_state *s, const char *name, enum stm_dtype dtype, unsigned ndim,
                const uint32_t *shape, const void *data)
{
    ck_assert_int_eq(stm_state_add(s, name, dtype, ndim, shape, data, NULL), 0);
}

/* A state with a large, a small and a scalar tensor; `w` has n elements. */
static struct stm_state sample(const float *w, uint32_t n, const double *b, const uint64_t *step)
{
    struct stm_state s = {0};
    add(&s, "step", STM_U64, 0, NULL, step);
    add(&s, "param.W", STM_F32, 2, (uint32_t[]){n / 2, 2}, w);
    add(&s, "param.b", STM_F64, 1, (uint32_t[]){3}, b);
    return s;
}

/* In the store, and back. */
static struct stm_id stored(const struct stm_state *s, struct stm_state *back)
{
    struct stm_store *store;
    struct stm_txn *t;
    struct stm_id put, computed;
    struct stm_err err = {0};
    ck_assert_int_eq(stm_store_open(&store, dir, STM_STORE_CREATE, &err), 0);
    ck_assert_int_eq(stm_txn_begin(&t, store, &err), 0);
    ck_assert_int_eq(stm_state_put(t, s, &put, &err), 0);
    ck_assert_int_eq(stm_txn_commit(t, &err), 0);
    ck_assert_int_eq(stm_state_ids(s, &computed, NULL, NULL), 0);
    ck_assert(stm_id_eq(&put, &computed));
    ck_assert_msg(stm_state_get(store, &put, back, &err) == 0, "%s", err.msg);
    stm_store_close(store);
    return put;
}

static float *ramp(uint32_t n)
{
    float *w = malloc(n * sizeof *w);
    for (uint32_t i = 0; i < n; i++) w[i] = (float)i * 0.001f - 1.0f;
    return w;
}

static const double bias[3] = {0.5, -0.25, 1e-300};

START_TEST(id_ignores_order_and_nothing_else)
{
    float *w = ramp(1000);
    uint64_t step = 7;
    struct stm_state a = sample(w, 1000, bias, &step), b = {0};
    add(&b, "param.b", STM_F64, 1, (uint32_t[]){3}, bias);
    add(&b, "param.W", STM_F32, 2, (uint32_t[]){500, 2}, w);
    add(&b, "step", STM_U64, 0, NULL, &step);
    struct stm_id x, y, ta[3], tb[3];
    ck_assert_int_eq(stm_state_ids(&a, &x, ta, NULL), 0);
    ck_assert_int_eq(stm_state_ids(&b, &y, tb, NULL), 0);
    ck_assert(stm_id_eq(&x, &y));
    ck_assert_mem_eq(ta, tb, sizeof ta);
    ck_assert_str_eq(a.t[0].name, "param.W");
    /* any bit, any shape, any name */
    w[999] = nextafterf(w[999], 2);
    stm_state_ids(&b, &y, tb, NULL);
    ck_assert(!stm_id_eq(&x, &y));
    ck_assert(!stm_id_eq(&ta[0], &tb[0]));
    ck_assert(stm_id_eq(&ta[1], &tb[1]));
    w[999] = nextafterf(w[999], -2);
    stm_state_release(&b);
    add(&b, "param.b", STM_F64, 1, (uint32_t[]){3}, bias);
    add(&b, "param.W", STM_F32, 2, (uint32_t[]){250, 4}, w);
    add(&b, "step", STM_U64, 0, NULL, &step);
    stm_state_ids(&b, &y, NULL, NULL);
    ck_assert(!stm_id_eq(&x, &y));
    stm_state_release(&a);
    stm_state_release(&b);
    free(w);
}
END_TEST

START_TEST(id_is_pinned)
{
    /* A change of this id is a change of the format of states: it needs a new format version. */
    float *w = ramp(1000);
    uint64_t step = 7;
    struct stm_state a = sample(w, 1000, bias, &step);
    struct stm_id x;
    char hex[STM_ID_TEXT];
    ck_assert_int_eq(stm_state_ids(&a, &x, NULL, NULL), 0);
    ck_assert_str_eq(stm_id_text(&x, hex), "221ea9ecbaf41c33fe6b6972b8b202be");
    stm_state_release(&a);
    free(w);
}
END_TEST

START_TEST(store_round_trip)
{
    uint32_t n = 600000; /* 2.4 MB: three chunks */
    float *w = ramp(n);
    uint64_t step = 42;
    struct stm_state a = sample(w, n, bias, &step), b;
    struct stm_store *s;
    struct stm_err err = {0};
    struct stm_id missing = stored(&a, &b);
    ck_assert_uint_eq(b.n, 3);
    ck_assert_mem_eq(stm_state_find(&b, "param.W")->data, w, n * sizeof *w);
    ck_assert_mem_eq(stm_state_find(&b, "param.b")->data, bias, sizeof bias);
    ck_assert_uint_eq(stm_state_step(&b), 42);
    struct stm_tensor_diff d[6];
    ck_assert_uint_eq(stm_state_diff(&a, &b, d), 3);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(d[i].differ, 0);
    missing.h[3] ^= 1;
    struct stm_state none;
    ck_assert_int_eq(stm_store_open(&s, dir, 0, &err), 0);
    ck_assert_int_eq(stm_state_get(s, &missing, &none, &err), STM_E_NOTFOUND);
    stm_state_release(&a);
    stm_state_release(&b);
    stm_store_close(s);
    free(w);
}
END_TEST

/* As many tensors, names and dimensions as a large model has, of every type. */
START_TEST(nothing_is_too_many)
{
    enum { MANY = 1000 };
    static const enum stm_dtype types[] = {STM_F32, STM_F64,  STM_U32, STM_U64,
                                           STM_F16, STM_BF16, STM_I64};
    uint64_t data[MANY * 6];
    uint32_t ones[STM_DIMS_MAX];
    struct stm_state a = {0}, b, copy;
    for (uint32_t i = 0; i < STM_DIMS_MAX; i++) ones[i] = 1;
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) data[i] = i * 0x9e3779b97f4a7c15;
    for (size_t i = 0; i < MANY; i++) {
        char name[200];
        snprintf(name, sizeof name, "param.blocks.%zu.%0150d", i * 7 % MANY, 1);
        add(&a, name, types[i % 7], 3, (uint32_t[]){1, 2, 3}, data + 6 * i);
    }
    add(&a, "deep", STM_F16, STM_DIMS_MAX, ones, data);
    stored(&a, &b);
    ck_assert_int_eq(stm_state_copy(&copy, &b, NULL), 0);
    stm_state_release(&b);
    ck_assert_uint_eq(copy.n, MANY + 1);
    for (size_t i = 0; i < copy.n; i++) {
        const struct stm_tensor *x = &copy.t[i], *y = &a.t[i];
        ck_assert_str_eq(x->name, y->name);
        ck_assert_ptr_eq(stm_state_find(&copy, y->name), x);
        ck_assert(x->dtype == y->dtype && x->ndim == y->ndim && x->bytes == y->bytes);
        ck_assert_mem_eq(x->shape, y->shape, x->ndim * sizeof *x->shape);
        ck_assert_mem_eq(x->data, y->data, x->bytes);
        if (i) ck_assert_str_lt(y[-1].name, y->name);
    }
    ck_assert_ptr_null(stm_state_find(&copy, "param.blocks.7"));
    stm_state_release(&a);
    stm_state_release(&copy);
}
END_TEST

/* The difference of one element of each type: by value, and in units in the last place. */
START_TEST(elements_of_every_type)
{
    static const struct {
        enum stm_dtype dtype;
        uint64_t a, b;
        double gap, ulp;
    } cases[] = {
        {STM_F16, 0x3c00, 0x3c01, 0x1p-10, 1},              /* 1 and the next */
        {STM_F16, 0x0001, 0x8001, 0x1p-23, 2},              /* the least, and less than 0 */
        {STM_F16, 0x03ff, 0x0400, 0x1p-24, 1},              /* where the hidden bit comes */
        {STM_F16, 0x7bff, 0xfbff, 2 * 65504.0, 2 * 0x7bff}, /* the largest */
        {STM_F16, 0x0000, 0x8000, 0, 0},                    /* differ in bits alone */
        {STM_BF16, 0x3f80, 0x3f81, 0x1p-7, 1},
        {STM_BF16, 0x4000, 0xc000, 4, 2 * 0x4000},
        {STM_F32, 0x3f800000, 0x3f800001, 0x1p-23, 1},
        {STM_F64, 0x3ff0000000000000, 0x3ff0000000000001, 0x1p-52, 0}, /* ulps in float64 */
        {STM_U32, 0, 0xffffffff, 4294967295.0, 4294967295.0},
        {STM_U64, UINT64_MAX, UINT64_MAX - 1, 1, 1}, /* the same in float64 */
        {STM_I64, (uint64_t)-5, 5, 10, 10},
        {STM_I64, (uint64_t)1 << 62, ((uint64_t)1 << 62) + 1, 1, 1},
        {STM_I64, (uint64_t)INT64_MIN, INT64_MAX, 0x1p64, 0x1p64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stm_state a = {0}, b = {0};
        struct stm_tensor_diff d[2];
        add(&a, "x", cases[i].dtype, 0, NULL, &cases[i].a);
        add(&b, "x", cases[i].dtype, 0, NULL, &cases[i].b);
        ck_assert_uint_eq(stm_state_diff(&a, &b, d), 1);
        ck_assert_uint_eq(d[0].differ, 1);
        ck_assert_msg(d[0].max_abs == cases[i].gap, "%zu: %g", i, d[0].max_abs);
        if (cases[i].dtype != STM_F64)
            ck_assert_msg(d[0].max_ulp == cases[i].ulp, "%zu: %g", i, d[0].max_ulp);
        stm_state_release(&a);
        stm_state_release(&b);
    }
    struct stm_state a = {0}, b = {0};
    struct stm_tensor_diff d[2];
    add(&a, "x", STM_F16, 1, (uint32_t[]){2}, (uint16_t[]){0x7c00, 0x7c01}); /* infinity, NaN */
    add(&b, "x", STM_F16, 1, (uint32_t[]){2}, (uint16_t[]){0x7c00, 0x7c02});
    stm_state_diff(&a, &b, d);
    ck_assert_uint_eq(d[0].differ, 1);
    ck_assert(isnan(d[0].max_abs));
    stm_state_release(&a);
    stm_state_release(&b);
}
END_TEST

START_TEST(diff_counts)
{
    float x[4] = {1, 2, 3, 4}, y[4] = {1, 2, 3, 4};
    struct stm_state a = {0}, b = {0};
    struct stm_tensor_diff d[3];
    uint64_t one = 1;
    add(&a, "w", STM_F32, 1, (uint32_t[]){4}, x);
    add(&b, "w", STM_F32, 1, (uint32_t[]){4}, y);
    add(&b, "extra", STM_U64, 0, NULL, &one);
    y[1] = nextafterf(nextafterf(2, 3), 3);
    y[3] = -4;
    ck_assert_uint_eq(stm_state_diff(&a, &b, d), 2);
    ck_assert(d[0].only_b);
    ck_assert_uint_eq(d[1].elements, 4);
    ck_assert_uint_eq(d[1].differ, 2);
    ck_assert_double_eq(d[1].max_abs, 8);
    ck_assert_double_gt(d[1].max_ulp, 1e9); /* across zero */
    double gap = y[1] - 2.0;
    ck_assert_double_eq_tol(d[1].rel_norm, sqrt(64 + gap * gap) / sqrt(30), 1e-12);
    ck_assert_double_eq_tol(d[1].cosine,
                            (1 + 2 * (double)y[1] + 9 - 16) /
                                (sqrt(30) * sqrt(1 + (double)y[1] * (double)y[1] + 9 + 16)),
                            1e-12);
    y[3] = 4;
    stm_state_diff(&a, &b, d);
    ck_assert_double_eq(d[1].max_ulp, 2);
    /* -0 and +0 differ as bits, equal NaNs do not */
    x[0] = 0.0f, y[0] = -0.0f, x[1] = y[1] = NAN;
    stm_state_diff(&a, &b, d);
    ck_assert_uint_eq(d[1].differ, 1);
    ck_assert_double_eq(d[1].max_ulp, 0);
    stm_state_release(&a);
    stm_state_release(&b);
}
END_TEST

/* Reads p[0..n), which must be refused or read within bounds. */
static size_t tensors_in(const unsigned char *p, size_t n)
{
    struct stm_manifest m;
    unsigned char *exact = malloc(n + !n); /* for a sanitizer: nothing lies behind it */
    memcpy(exact, p, n);
    int rc = stm_manifest_read(&m, exact, n, NULL);
    size_t found = rc ? 0 : m.n;
    ck_assert(rc == 0 || rc == STM_E_DAMAGED);
    stm_manifest_release(&m);
    free(exact);
    return found;
}

START_TEST(malformed_manifests_are_refused)
{
    float *w = ramp(1000);
    uint64_t step = 7;
    struct stm_state a = sample(w, 1000, bias, &step), b;
    struct stm_store *s;
    struct stm_id id = stored(&a, &b);
    struct stm_object o;
    ck_assert_int_eq(stm_store_open(&s, dir, 0, NULL), 0);
    ck_assert_int_eq(stm_store_get(s, &id, &o, NULL), 0);
    ck_assert_uint_eq(tensors_in(o.data, o.n), 3);
    /* every truncation, and every byte changed to a few values */
    for (size_t cut = 0; cut < o.n; cut++) tensors_in(o.data, cut);
    for (size_t i = 0; i < o.n; i++)
        for (int k = 0; k < 8; k++) {
            o.data[i] ^= (unsigned char)(1u << k);
            tensors_in(o.data, o.n);
            o.data[i] ^= (unsigned char)(1u << k);
        }
    memset(o.data + 16, 0xff, 4); /* more tensors than there are bytes */
    ck_assert_uint_eq(tensors_in(o.data, o.n), 0);
    stm_object_release(&o);
    stm_store_close(s);
    stm_state_release(&a);
    stm_state_release(&b);
    free(w);
}
END_TEST

START_TEST(allocation_failures)
{
    float *w = ramp(1000);
    uint64_t step = 7;
    struct stm_state a = sample(w, 1000, bias, &step), copy;
    struct stm_id id;
    for (unsigned long n = 1;; n++) {
        stm_mem_fail_after(n);
        int rc = stm_state_ids(&a, &id, NULL, NULL);
        if (!rc) rc = stm_state_copy(&copy, &a, NULL);
        unsigned long made = stm_mem_fail_after(0);
        if (!rc) {
            stm_state_release(&copy);
            ck_assert_uint_lt(made, n);
            break;
        }
        ck_assert_int_eq(rc, STM_E_NOMEM);
        ck_assert_uint_lt(n, 100);
    }
    stm_state_release(&a);
    free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *t = tcase_create("identity");
    tcase_add_checked_fixture(t, make_dir, drop_dir);
    tcase_add_test(t, id_ignores_order_and_nothing_else);
    tcase_add_test(t, id_is_pinned);
    tcase_add_test(t, store_round_trip);
    tcase_add_test(t, nothing_is_too_many);
    tcase_add_test(t, elements_of_every_type);
    tcase_add_test(t, diff_counts);
    tcase_add_test(t, malformed_manifests_are_refused);
    tcase_add_test(t, allocation_failures);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
