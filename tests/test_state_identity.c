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

/* A state with a large, a small and a scalar tensor; `w` has n elements. */
static struct stm_state sample(const float *w, uint32_t n, const double *b, const uint64_t *step)
{
    struct stm_state s = {0};
    stm_state_add(&s, "step", STM_U64, 0, NULL, step);
    stm_state_add(&s, "param.W", STM_F32, 2, (uint32_t[]){n / 2, 2}, w);
    stm_state_add(&s, "param.b", STM_F64, 1, (uint32_t[]){3}, b);
    return s;
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
    stm_state_add(&b, "param.b", STM_F64, 1, (uint32_t[]){3}, bias);
    stm_state_add(&b, "param.W", STM_F32, 2, (uint32_t[]){500, 2}, w);
    stm_state_add(&b, "step", STM_U64, 0, NULL, &step);
    struct stm_id x, y, ta[3], tb[3];
    unsigned order[3];
    ck_assert_int_eq(stm_state_ids(&a, &x, ta, order, NULL), 0);
    ck_assert_int_eq(stm_state_ids(&b, &y, tb, NULL, NULL), 0);
    ck_assert(stm_id_eq(&x, &y));
    ck_assert_mem_eq(ta, tb, sizeof ta);
    ck_assert_str_eq(a.t[order[0]].name, "param.W");
    /* any bit, any shape, any name */
    w[999] = nextafterf(w[999], 2);
    stm_state_ids(&b, &y, tb, NULL, NULL);
    ck_assert(!stm_id_eq(&x, &y));
    ck_assert(!stm_id_eq(&ta[0], &tb[0]));
    ck_assert(stm_id_eq(&ta[1], &tb[1]));
    w[999] = nextafterf(w[999], -2);
    b.t[1].shape[0] = 250, b.t[1].shape[1] = 4;
    stm_state_ids(&b, &y, NULL, NULL, NULL);
    ck_assert(!stm_id_eq(&x, &y));
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
    ck_assert_int_eq(stm_state_ids(&a, &x, NULL, NULL, NULL), 0);
    ck_assert_str_eq(stm_id_text(&x, hex), "221ea9ecbaf41c33fe6b6972b8b202be");
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
    struct stm_txn *t;
    struct stm_id put, computed;
    struct stm_err err = {0};
    ck_assert_int_eq(stm_store_open(&s, dir, STM_STORE_CREATE, &err), 0);
    ck_assert_int_eq(stm_txn_begin(&t, s, &err), 0);
    ck_assert_int_eq(stm_state_put(t, &a, &put, &err), 0);
    ck_assert_int_eq(stm_txn_commit(t, &err), 0);
    ck_assert_int_eq(stm_state_ids(&a, &computed, NULL, NULL, NULL), 0);
    ck_assert(stm_id_eq(&put, &computed));
    ck_assert_msg(stm_state_get(s, &put, &b, &err) == 0, "%s", err.msg);
    ck_assert_uint_eq(b.n, 3);
    ck_assert_mem_eq(stm_state_find(&b, "param.W")->data, w, n * sizeof *w);
    ck_assert_mem_eq(stm_state_find(&b, "param.b")->data, bias, sizeof bias);
    ck_assert_uint_eq(stm_state_step(&b), 42);
    struct stm_tensor_diff d[2 * STM_STATE_MAX];
    ck_assert_uint_eq(stm_state_diff(&a, &b, d), 3);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(d[i].differ, 0);
    struct stm_id missing = put;
    missing.h[3] ^= 1;
    struct stm_state none;
    ck_assert_int_eq(stm_state_get(s, &missing, &none, &err), STM_E_NOTFOUND);
    stm_state_release(&b);
    stm_store_close(s);
    free(w);
}
END_TEST

START_TEST(diff_counts)
{
    float x[4] = {1, 2, 3, 4}, y[4] = {1, 2, 3, 4};
    struct stm_state a = {0}, b = {0};
    struct stm_tensor_diff d[2 * STM_STATE_MAX];
    uint64_t one = 1;
    stm_state_add(&a, "w", STM_F32, 1, (uint32_t[]){4}, x);
    stm_state_add(&b, "w", STM_F32, 1, (uint32_t[]){4}, y);
    stm_state_add(&b, "extra", STM_U64, 0, NULL, &one);
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
}
END_TEST

START_TEST(malformed_manifests_are_refused)
{
    float *w = ramp(1000);
    uint64_t step = 7;
    struct stm_state a = sample(w, 1000, bias, &step);
    struct stm_buf good = {0};
    struct stm_manifest_entry e[STM_STATE_MAX];
    size_t n;
    struct stm_store *s;
    struct stm_txn *t;
    ck_assert_int_eq(stm_store_open(&s, dir, STM_STORE_CREATE, NULL), 0);
    ck_assert_int_eq(stm_txn_begin(&t, s, NULL), 0);
    struct stm_id id;
    ck_assert_int_eq(stm_state_put(t, &a, &id, NULL), 0);
    ck_assert_int_eq(stm_txn_commit(t, NULL), 0);
    struct stm_object o;
    ck_assert_int_eq(stm_store_get(s, &id, &o, NULL), 0);
    ck_assert_int_eq(stm_manifest_read(o.data, o.n, e, &n, NULL), 0);
    ck_assert_uint_eq(n, 3);
    /* every truncation, and every byte changed to a few values, is refused or read within bounds */
    for (size_t cut = 0; cut < o.n; cut++) {
        stm_buf_clear(&good);
        stm_buf_put(&good, o.data, cut);
        int rc = stm_manifest_read(good.p, good.n, e, &n, NULL);
        ck_assert(rc == 0 || rc == STM_E_DAMAGED);
    }
    for (size_t i = 0; i < o.n; i++)
        for (int k = 0; k < 8; k++) {
            unsigned char old = o.data[i];
            o.data[i] ^= (unsigned char)(1u << k);
            int rc = stm_manifest_read(o.data, o.n, e, &n, NULL);
            ck_assert(rc == 0 || rc == STM_E_DAMAGED);
            o.data[i] = old;
        }
    stm_buf_release(&good);
    stm_object_release(&o);
    stm_store_close(s);
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
        int rc = stm_state_ids(&a, &id, NULL, NULL, NULL);
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
