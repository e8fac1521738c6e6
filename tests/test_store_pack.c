/* Pack files: ids, the index, and what damage does. */
#include "store_help.h"

#include "store/id.h"
#include "store/pack.h"

static struct tmpdir tmp;
static char dir[600], pack[800];
static struct stm_err err;

enum { N_OBJ = 4 };
static struct {
    unsigned char p[400];
    size_t n;
    enum stm_object_type type;
    unsigned elem;
    struct stm_id id;
} obj[N_OBJ];

static struct stm_store *open_store(unsigned flags)
{
    struct stm_store *s;
    ck_ok(stm_store_open(&s, dir, flags, &err), &err);
    return s;
}

static void setup(void)
{
    uint64_t seed = 5;
    tmpdir_make(&tmp);
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    float w[100];
    rnd_floats(&seed, w, 100);
    memcpy(obj[0].p, w, obj[0].n = 400); /* planes that pack, fold and do not pack */
    obj[0].type = STM_OBJ_CHUNK;
    obj[0].elem = 4;
    memset(obj[1].p, 0, obj[1].n = 256);
    obj[1].type = STM_OBJ_CHUNK;
    obj[1].elem = 8;
    rnd_bytes(&seed, obj[2].p, obj[2].n = 37);
    obj[2].type = STM_OBJ_RECORD;
    obj[2].elem = 2;
    for (size_t i = 0; i < 300; i++) obj[3].p[i] = (unsigned char)"stemma "[i % 7];
    obj[3].n = 300;
    obj[3].type = STM_OBJ_STATE;
    obj[3].elem = 1;
    struct stm_store *s = open_store(STM_STORE_CREATE);
    struct stm_txn *t;
    ck_ok(stm_txn_begin(&t, s, &err), &err);
    for (int i = 0; i < N_OBJ; i++) {
        struct stm_id refs[2] = {obj[0].id, obj[1].id};
        ck_ok(stm_txn_put(t, obj[i].type, obj[i].p, obj[i].n, obj[i].elem, refs, i == 3 ? 2 : 0,
                          &obj[i].id, &err),
              &err);
    }
    ck_ok(stm_txn_commit(t, &err), &err);
    stm_store_close(s);
    char packs[700];
    snprintf(packs, sizeof packs, "%s/packs", dir);
    ck_assert_uint_eq(count_files(packs, "", ".pack", pack, sizeof pack), 1);
    chmod(pack, 0644);
}

static void teardown(void) { tmpdir_remove(&tmp); }

START_TEST(ids)
{
    struct stm_id a = stm_id_of("a", 1), b = stm_id_of("b", 1), c;
    char text[STM_ID_TEXT];
    ck_assert(!stm_id_eq(&a, &b));
    ck_assert_int_eq(stm_id_cmp(&a, &b), -stm_id_cmp(&b, &a));
    ck_assert_int_eq(stm_id_cmp(&a, &a), 0);
    ck_assert(stm_id_parse(&c, stm_id_text(&a, text)) && stm_id_eq(&a, &c));
    /* Published value of XXH3-128 of the empty input. */
    struct stm_id none = stm_id_of("", 0);
    ck_assert_str_eq(stm_id_text(&none, text), "99aa06d3014798d86001c324468d497f");
    ck_assert(!stm_id_parse(&c, ""));
    ck_assert(!stm_id_parse(&c, "99aa06d3014798d86001c324468d497"));
    ck_assert(!stm_id_parse(&c, "99aa06d3014798d86001c324468d497f0"));
    ck_assert(!stm_id_parse(&c, "99aa06d3014798d86001c324468d497g"));
}
END_TEST

/* Damaged bytes never read as other bytes, and never as "not there" without a word of damage. */
static unsigned read_all(struct stm_store *s, const char *what)
{
    unsigned good = 0;
    for (int i = 0; i < N_OBJ; i++) {
        struct stm_object o;
        struct stm_err e = {0};
        int rc = stm_store_get(s, &obj[i].id, &o, &e);
        if (rc) {
            ck_assert_msg(rc == STM_E_DAMAGED || rc == STM_E_FORMAT, "%s: object %d: %d %s", what,
                          i, rc, e.msg);
            continue;
        }
        ck_assert_msg(o.n == obj[i].n && !memcmp(o.data, obj[i].p, o.n) && o.type == obj[i].type,
                      "%s: object %d reads wrongly", what, i);
        stm_object_release(&o);
        good++;
    }
    return good;
}

START_TEST(every_bit_of_a_pack)
{
    FILE *f = fopen(pack, "r+b");
    ck_assert_ptr_nonnull(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    ck_assert_int_lt(size, 3000);
    unsigned silent = 0;
    for (long i = 0; i < size * 8; i++) {
        char what[40];
        snprintf(what, sizeof what, "byte %ld bit %ld", i / 8, i % 8);
        fseek(f, i / 8, SEEK_SET);
        int c = fgetc(f);
        fseek(f, i / 8, SEEK_SET);
        fputc(c ^ 1 << i % 8, f);
        fflush(f);
        struct stm_store *s = open_store(STM_STORE_READONLY);
        unsigned good = read_all(s, what);
        int full = stm_store_fsck(s, STM_FSCK_FULL, NULL, NULL, &err);
        stm_store_close(s);
        /* What a read refuses, fsck finds. One flip spoils at most one object: the index can be
         * rebuilt from the records and the records are found through the index. */
        if (good < N_OBJ) ck_assert_msg(full == STM_E_DAMAGED, "%s: fsck sees nothing", what);
        if (i / 8 != 8 && i / 8 != 9 && i / 8 != 10 && i / 8 != 11)
            ck_assert_msg(good >= N_OBJ - 1, "%s: only %u objects read", what, good);
        silent += !full;
        fseek(f, i / 8, SEEK_SET);
        fputc(c, f);
        fflush(f);
    }
    fclose(f);
    /* Only bits that zstd itself does not use may go unnoticed. */
    ck_assert_msg(silent < 80, "%u flips unnoticed", silent);
    struct stm_store *s = open_store(STM_STORE_READONLY);
    ck_assert_uint_eq(read_all(s, "restored"), N_OBJ);
    ck_sound(s);
    stm_store_close(s);
}
END_TEST

START_TEST(every_truncation)
{
    struct stat st;
    char saved[800];
    snprintf(saved, sizeof saved, "%s/saved", tmp.path);
    copy_file(pack, saved);
    ck_assert_int_eq(stat(pack, &st), 0);
    unsigned most = 0;
    for (off_t n = 0; n < st.st_size; n++) {
        char what[40];
        snprintf(what, sizeof what, "%ld bytes", (long)n);
        copy_file(saved, pack);
        ck_assert_int_eq(truncate(pack, n), 0);
        struct stm_store *s = open_store(STM_STORE_READONLY);
        unsigned good = read_all(s, what);
        if (good > most) most = good;
        ck_assert_int_eq(stm_store_fsck(s, STM_FSCK_QUICK, NULL, NULL, &err), STM_E_DAMAGED);
        stm_store_close(s);
    }
    ck_assert_uint_eq(most, N_OBJ); /* without trailer and index the records are still found */
}
END_TEST

/* Bytes after the trailer, a file under another name, a file of noise. */
START_TEST(strange_files)
{
    char other[900];
    snprintf(other, sizeof other, "%s/packs/%032d.pack", dir, 7);
    copy_file(pack, other);
    struct stm_store *s = open_store(STM_STORE_READONLY);
    ck_assert_uint_eq(read_all(s, "renamed"), N_OBJ);
    ck_assert_int_eq(stm_store_fsck(s, STM_FSCK_QUICK, NULL, NULL, &err), STM_E_DAMAGED);
    stm_store_close(s);
    for (uint64_t seed = 1; seed < 200; seed++) {
        unsigned char noise[2000];
        uint64_t r = seed;
        rnd_bytes(&r, noise, sizeof noise);
        FILE *in = fopen(pack, "rb"), *out = fopen(other, "wb");
        unsigned char head[2000] = {0};
        size_t n = fread(head, 1, sizeof head, in), cut = rnd(&r) % n;
        memcpy(noise, head, cut); /* a good start, then noise */
        fwrite(noise, 1, sizeof noise, out);
        fclose(in);
        fclose(out);
        s = open_store(STM_STORE_READONLY);
        ck_assert_uint_eq(read_all(s, "noise"), N_OBJ);
        ck_assert_int_eq(stm_store_fsck(s, STM_FSCK_FULL, NULL, NULL, &err), STM_E_DAMAGED);
        stm_store_close(s);
    }
    /* Not ours, not looked at. */
    unlink(other);
    snprintf(other, sizeof other, "%s/packs/notes.txt", dir);
    copy_file(pack, other);
    s = open_store(STM_STORE_READONLY);
    ck_sound(s);
    stm_store_close(s);
}
END_TEST

/* An index that lies, with checks that are right: the records have the last word. */
START_TEST(lying_index)
{
    struct stm_pack p = {0};
    memcpy(p.name, strrchr(pack, '/') + 1, STM_PACK_NAME);
    ck_ok(stm_pack_load(&p, pack, &err), &err);
    uint8_t number[STM_PACK_NUMBER];
    char hex[2 * STM_PACK_NUMBER + 1];
    memcpy(hex, p.name, sizeof hex - 1);
    hex[sizeof hex - 1] = 0;
    ck_assert(stm_hex_get(number, sizeof number, hex));
    uint64_t end = p.bytes - STM_PACK_TRAILER - p.n * STM_PACK_ENTRY;
    for (int lie = 0; lie < 6; lie++) {
        size_t n = N_OBJ;
        struct stm_pack_entry e[N_OBJ];
        memcpy(e, p.e, sizeof e);
        switch (lie) {
        case 0: e[1].offset += 1; break;
        case 1: e[1].size = UINT32_MAX; break;
        case 2: e[1].raw -= 1; break;
        case 3: e[1].id.h[0] ^= 1; break;
        case 4: e[1].offset = UINT64_MAX - 10; break;
        default: n--; break; /* conceals a record */
        }
        struct stm_buf b = {0};
        stm_pack_index_put(&b, e, n, end, number);
        ck_assert(!b.failed);
        FILE *f = fopen(pack, "r+b");
        fseek(f, (long)end, SEEK_SET);
        fwrite(b.p, 1, b.n, f);
        fclose(f);
        ck_assert_int_eq(truncate(pack, (off_t)(end + b.n)), 0);
        stm_buf_release(&b);
        struct stm_store *s = open_store(STM_STORE_READONLY);
        for (int i = 0; i < N_OBJ; i++) {
            struct stm_object o;
            if (stm_store_get(s, &obj[i].id, &o, &err)) continue;
            ck_assert(o.n == obj[i].n && !memcmp(o.data, obj[i].p, o.n));
            stm_object_release(&o);
        }
        ck_assert_int_eq(stm_store_fsck(s, STM_FSCK_QUICK, NULL, NULL, &err), STM_E_DAMAGED);
        stm_store_close(s);
    }
    stm_pack_release(&p);
}
END_TEST

/* Whoever has the bytes of a damaged object mends it by storing them again. */
START_TEST(put_mends)
{
    FILE *f = fopen(pack, "r+b");
    fseek(f, 40 + 48 + 8 + 60, SEEK_SET); /* in the coded bytes of the first object */
    int c = fgetc(f);
    fseek(f, -1, SEEK_CUR);
    fputc(c ^ 255, f);
    fclose(f);
    struct stm_store *s = open_store(0);
    struct stm_object o;
    ck_assert_int_eq(stm_store_get(s, &obj[0].id, &o, &err), STM_E_DAMAGED);
    char text[STM_ID_TEXT];
    ck_assert(strstr(err.msg, stm_id_text(&obj[0].id, text)));
    ck_assert(strstr(err.msg, strrchr(pack, '/') + 1));
    struct stm_txn *t;
    ck_ok(stm_txn_begin(&t, s, &err), &err);
    ck_ok(stm_txn_put(t, obj[0].type, obj[0].p, obj[0].n, obj[0].elem, NULL, 0, NULL, &err), &err);
    ck_ok(stm_txn_commit(t, &err), &err);
    ck_assert_uint_eq(read_all(s, "mended"), N_OBJ);
    ck_assert_int_eq(stm_store_fsck(s, STM_FSCK_FULL, NULL, NULL, &err), STM_E_DAMAGED);
    struct stm_store_stats st; /* two copies are one object */
    ck_ok(stm_store_stats(s, &st, &err), &err);
    ck_assert_uint_eq(st.objects, N_OBJ);
    ck_assert_uint_eq(st.packs, 2);
    stm_store_close(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_pack");
    TCase *c = tcase_create("pack");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, ids);
    tcase_add_test(c, every_bit_of_a_pack);
    tcase_add_test(c, every_truncation);
    tcase_add_test(c, strange_files);
    tcase_add_test(c, lying_index);
    tcase_add_test(c, put_mends);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
