/* A store that was written when format version 1 was made reads the same for ever.
 *
 * checkpoints/golden/1 was written by this program: `test_store_golden --make DIR`. It is not
 * written again: a store that today's code makes proves nothing about yesterday's. The test opens
 * it for reading only and leaves the working tree alone. */
#include "store_help.h"

enum { N_OBJ = 6 };

struct golden {
    enum stm_object_type type;
    unsigned elem;
    size_t n;
    const char *id; /* as it was then */
    int refs[2];    /* objects before it, or -1 */
    unsigned char p[4200];
};

/* All from integers, so that no machine makes other bytes. */
static void make_objects(struct golden g[N_OBJ])
{
    static const struct golden kinds[N_OBJ] = {
        {STM_OBJ_CHUNK, 4, 4000, "426ce8adbca883867fc2f718a923aeb8", {-1, -1}, {0}},
        {STM_OBJ_CHUNK, 8, 512, "3258ca92e0a00944b2987a9d949e807c", {-1, -1}, {0}},
        {STM_OBJ_CHUNK, 2, 13, "d6006306c4d83a60ceb5da2363f04441", {-1, -1}, {0}},
        {STM_OBJ_STATE, 1, 300, "01d7025038e2ee1c2b69b65c8ecadac7", {0, 1}, {0}},
        {STM_OBJ_RECORD, 1, 0, "99aa06d3014798d86001c324468d497f", {-1, -1}, {0}},
        {STM_OBJ_RECORD, 1, 0, "e70fe14ad126aad9743711d27c8e7a62", {3, 4}, {0}},
    };
    uint64_t seed = 1;
    memcpy(g, kinds, sizeof kinds);
    for (int i = 0; i < 1000; i++) { /* f32: noise below, exponents of about 0.05 above */
        uint64_t r = rnd(&seed);
        unsigned char *w = g[0].p + 4 * i;
        w[0] = (unsigned char)r;
        w[1] = (unsigned char)(r >> 8);
        w[2] = (unsigned char)((r >> 16 & 0x7f) | (r >> 40 & 1) << 7);
        w[3] = (unsigned char)(0x3d - (r >> 48 & 7 ? 0 : 1) + (r >> 52 & 1) * 0x80);
    }
    for (int i = 0; i < 13; i++) g[2].p[i] = (unsigned char)(i * i * 7 + 1); /* odd: a tail byte */
    for (int i = 0; i < 300; i++) g[3].p[i] = (unsigned char)"golden state "[i % 13];
    g[5].n = (size_t)snprintf((char *)g[5].p, 100, "record of format version 1\n");
}

static struct golden obj[N_OBJ];

/* Two packs: the chunks, then the rest with the ref. */
static int make_store(const char *dir)
{
    struct stm_store *s;
    struct stm_err err = {0};
    struct stm_id ids[N_OBJ], refs[2];
    int rc = stm_store_open(&s, dir, STM_STORE_CREATE, &err);
    for (int part = 0; !rc && part < 2; part++) {
        struct stm_txn *t;
        rc = stm_txn_begin(&t, s, &err);
        for (int i = part ? 3 : 0; !rc && i < (part ? N_OBJ : 3); i++) {
            size_t n = 0;
            while (n < 2 && obj[i].refs[n] >= 0) {
                refs[n] = ids[obj[i].refs[n]];
                n++;
            }
            char text[STM_ID_TEXT];
            rc = stm_txn_put(t, obj[i].type, obj[i].p, obj[i].n, obj[i].elem, refs, n, &ids[i],
                             &err);
            if (!rc) printf("%s\n", stm_id_text(&ids[i], text));
        }
        if (!rc && part) rc = stm_txn_ref(t, "golden.head", NULL, &ids[N_OBJ - 1], &err);
        if (rc)
            stm_txn_abort(t);
        else
            rc = stm_txn_commit(t, &err);
    }
    if (rc)
        fprintf(stderr, "%s\n", err.msg);
    else
        stm_store_close(s);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

START_TEST(version_1)
{
    struct stm_store *s;
    struct stm_err err = {0};
    struct stm_id id, head;
    ck_ok(stm_store_open(&s, STM_SOURCE_DIR "/checkpoints/golden/1", STM_STORE_READONLY, &err),
          &err);
    for (int i = 0; i < N_OBJ; i++) {
        struct stm_object o;
        struct stm_id now = stm_id_of(obj[i].p, obj[i].n);
        ck_assert(stm_id_parse(&id, obj[i].id));
        ck_assert_msg(stm_id_eq(&id, &now), "object %d has another id than it had", i);
        ck_ok(stm_store_get(s, &id, &o, &err), &err);
        ck_assert_int_eq(o.type, obj[i].type);
        ck_assert_uint_eq(o.n, obj[i].n);
        ck_assert(!o.n || !memcmp(o.data, obj[i].p, o.n));
        stm_object_release(&o);
    }
    ck_ok(stm_ref_get(s, "golden.head", &head, &err), &err);
    ck_assert(stm_id_eq(&head, &id));
    struct stm_store_stats st;
    ck_ok(stm_store_stats(s, &st, &err), &err);
    ck_assert_uint_eq(st.packs, 2);
    ck_assert_uint_eq(st.objects, N_OBJ);
    ck_assert_uint_eq(st.refs, 1);
    ck_sound(s);
    stm_store_close(s);
}
END_TEST

int main(int argc, char **argv)
{
    make_objects(obj);
    if (argc == 3 && !strcmp(argv[1], "--make")) return make_store(argv[2]);
    Suite *suite = suite_create("store_golden");
    TCase *c = tcase_create("golden");
    tcase_add_test(c, version_1);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
