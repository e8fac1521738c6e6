#include "store/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/id.h"

static const char header_magic[] = "stmpack\n", trailer_magic[] = "stmtrail";

/* Read at once when a pack is opened: the trailer and an index of up to 84 entries. */
enum { TAIL_BYTES = 4096 };

bool stm_pack_number(const char *file_name, uint8_t number[STM_PACK_NUMBER])
{
    char hex[2 * STM_PACK_NUMBER + 1];
    if (strlen(file_name) != STM_PACK_NAME - 1) return false;
    memcpy(hex, file_name, sizeof hex - 1);
    hex[sizeof hex - 1] = 0;
    return stm_hex_get(number, STM_PACK_NUMBER, hex) &&
           !strcmp(file_name + sizeof hex - 1, ".pack");
}

bool stm_pack_is_name(const char *file_name)
{
    uint8_t number[STM_PACK_NUMBER];
    return stm_pack_number(file_name, number);
}

void stm_pack_name(char name[STM_PACK_NAME], const uint8_t number[STM_PACK_NUMBER])
{
    stm_hex_put(name, number, STM_PACK_NUMBER);
    memcpy(name + 2 * STM_PACK_NUMBER, ".pack", sizeof ".pack");
}

void stm_pack_header_put(struct stm_buf *b, const uint8_t number[STM_PACK_NUMBER])
{
    size_t start = b->n;
    stm_buf_put(b, header_magic, 8);
    stm_buf_u32(b, STM_PACK_VERSION);
    stm_buf_u32(b, 0);
    stm_buf_put(b, number, STM_PACK_NUMBER);
    if (!b->failed) stm_buf_u64(b, stm_check_of(b->p + start, b->n - start));
}

static int entry_cmp(const void *a, const void *b)
{
    const struct stm_pack_entry *x = a, *y = b;
    return stm_id_cmp(&x->id, &y->id);
}

void stm_pack_entry_put(struct stm_buf *b, const struct stm_pack_entry *e)
{
    stm_buf_u8(b, e->id.alg);
    stm_buf_u8(b, e->type);
    stm_buf_u16(b, 0);
    stm_buf_u32(b, e->raw);
    stm_buf_put(b, e->id.h, sizeof e->id.h);
    stm_buf_u64(b, e->hash2);
    stm_buf_u64(b, e->offset);
    stm_buf_u32(b, e->size);
    stm_buf_u32(b, 0);
}

void stm_pack_index_put(struct stm_buf *b, struct stm_pack_entry *e, size_t n, uint64_t at,
                        const uint8_t number[STM_PACK_NUMBER])
{
    if (n) qsort(e, n, sizeof *e, entry_cmp);
    size_t start = b->n;
    for (size_t i = 0; i < n; i++) stm_pack_entry_put(b, &e[i]);
    if (b->failed) return;
    size_t trailer = b->n;
    stm_buf_put(b, trailer_magic, 8);
    stm_buf_u64(b, at);
    stm_buf_u64(b, n);
    stm_buf_u64(b, stm_check_of(n ? b->p + start : NULL, n * STM_PACK_ENTRY));
    stm_buf_u64(b, at + (uint64_t)n * STM_PACK_ENTRY + STM_PACK_TRAILER);
    stm_buf_put(b, number, STM_PACK_NUMBER);
    if (!b->failed) stm_buf_u64(b, stm_check_of(b->p + trailer, b->n - trailer));
}

/* Exactly n bytes at `at`; a shorter file is damage. */
static int read_at(const struct stm_pack *p, int fd, void *to, size_t n, uint64_t at,
                   struct stm_err *err)
{
    ssize_t r = stm_fd_pread(fd, to, n, at);
    if (r < 0) {
        int e = errno;
        return e == EIO ? stm_fail(err, STM_E_IO, "cannot read pack %s: %s", p->name, strerror(e))
                        : stm_fail_errno(err, e, "cannot read pack %s", p->name);
    }
    if ((size_t)r != n) return stm_fail(err, STM_E_DAMAGED, "pack %s is cut short", p->name);
    return 0;
}

static int check_header(const struct stm_pack *p, int fd, struct stm_err *err)
{
    unsigned char h[STM_PACK_HEADER];
    int rc = read_at(p, fd, h, sizeof h, 0, err);
    if (rc) return rc;
    if (memcmp(h, header_magic, 8) || stm_get_le64(h + 32) != stm_check_of(h, 32))
        return stm_fail(err, STM_E_DAMAGED, "pack %s: its header is damaged", p->name);
    uint32_t version = stm_get_le32(h + 8);
    if (version > STM_PACK_VERSION)
        return stm_fail(err, STM_E_FORMAT,
                        "pack %s has version %u, newer than this stemma, which knows %d", p->name,
                        (unsigned)version, STM_PACK_VERSION);
    char name[STM_PACK_NAME];
    stm_pack_name(name, h + 16);
    if (version == 0 || stm_get_le32(h + 12) || strcmp(name, p->name))
        return stm_fail(err, STM_E_DAMAGED, "pack %s: its header is that of %s", p->name, name);
    return 0;
}

bool stm_pack_entry_get(struct stm_pack_entry *e, struct stm_rd *rd, uint64_t end)
{
    e->id.alg = stm_rd_u8(rd);
    e->type = stm_rd_u8(rd);
    unsigned zero = stm_rd_u16(rd);
    e->raw = stm_rd_u32(rd);
    const void *h = stm_rd_bytes(rd, sizeof e->id.h);
    if (h) memcpy(e->id.h, h, sizeof e->id.h);
    e->hash2 = stm_rd_u64(rd);
    e->offset = stm_rd_u64(rd);
    e->size = stm_rd_u32(rd);
    zero |= stm_rd_u32(rd);
    return !rd->bad && !zero && e->id.alg == STM_ID_XXH3_128 && stm_record_raw_max(e->type) &&
           e->raw <= stm_record_raw_max(e->type) && e->offset >= STM_PACK_HEADER &&
           e->offset <= end && e->size <= end - e->offset && e->size >= STM_RECORD_FIXED + 8 &&
           e->size <= STM_RECORD_FIXED + 8 + (uint64_t)STM_RECORD_REFS_MAX * STM_RECORD_REF +
                          e->raw + STM_RECORD_CODED_SLACK;
}

static int index_bad(const struct stm_pack *p, struct stm_err *err)
{
    return stm_fail(err, STM_E_DAMAGED, "pack %s: its index is damaged", p->name);
}

/* Checks the trailer at `t` and takes from it where the index is. */
static bool trailer_parse(const struct stm_pack *p, const unsigned char *t, uint64_t *at,
                          uint64_t *count, uint64_t *check)
{
    if (memcmp(t, trailer_magic, 8) || stm_get_le64(t + 56) != stm_check_of(t, 56)) return false;
    char name[STM_PACK_NAME];
    stm_pack_name(name, t + 40);
    *at = stm_get_le64(t + 8);
    *count = stm_get_le64(t + 16);
    *check = stm_get_le64(t + 24);
    uint64_t room = p->bytes - STM_PACK_TRAILER;
    return !strcmp(name, p->name) && stm_get_le64(t + 32) == p->bytes && *at >= STM_PACK_HEADER &&
           *at <= room && (room - *at) % STM_PACK_ENTRY == 0 &&
           (room - *at) / STM_PACK_ENTRY == *count;
}

/* Reads the index, in one read together with the trailer when it is small. */
static int load_index(struct stm_pack *p, int fd, struct stm_err *err)
{
    if (p->bytes < STM_PACK_HEADER + STM_PACK_TRAILER)
        return stm_fail(err, STM_E_DAMAGED, "pack %s is cut short", p->name);
    unsigned char tail[TAIL_BYTES], *whole = NULL;
    size_t tail_n = p->bytes < TAIL_BYTES ? (size_t)p->bytes : TAIL_BYTES;
    int rc = read_at(p, fd, tail, tail_n, p->bytes - tail_n, err);
    if (rc) return rc;
    uint64_t at, count, check;
    if (!trailer_parse(p, tail + tail_n - STM_PACK_TRAILER, &at, &count, &check))
        return index_bad(p, err);
    size_t index_n = (size_t)count * STM_PACK_ENTRY;
    const unsigned char *index = tail + tail_n - STM_PACK_TRAILER - index_n;
    if (index_n > tail_n - STM_PACK_TRAILER) {
        index = whole = stm_malloc(index_n);
        rc = whole ? read_at(p, fd, whole, index_n, at, err)
                   : stm_fail(err, STM_E_NOMEM, "cannot read pack %s: out of memory", p->name);
        if (rc) goto out;
    }
    if (stm_check_of(index, index_n) != check) {
        rc = index_bad(p, err);
        goto out;
    }
    p->e = stm_calloc(count, sizeof *p->e);
    if (!p->e) {
        rc = stm_fail(err, STM_E_NOMEM, "cannot read pack %s: out of memory", p->name);
        goto out;
    }
    struct stm_rd rd = {.p = index, .n = index_n};
    for (size_t i = 0; i < count; i++) {
        if (!stm_pack_entry_get(&p->e[i], &rd, at) ||
            (i && entry_cmp(&p->e[i - 1], &p->e[i]) >= 0)) {
            rc = index_bad(p, err);
            goto out;
        }
    }
    p->n = count;
out:
    stm_free(whole);
    return rc;
}

/* Reads the head of the record at `at` into `buf`. STM_E_DAMAGED when there is none. */
static int read_head(const struct stm_pack *p, int fd, uint64_t at, struct stm_buf *buf,
                     struct stm_record *r, struct stm_err *err)
{
    unsigned char fixed[STM_RECORD_FIXED];
    int rc = read_at(p, fd, fixed, sizeof fixed, at, err);
    if (rc) return rc;
    if (!stm_record_parse_fixed(r, fixed) || stm_record_size(r) > p->bytes - at) goto damaged;
    size_t head = stm_record_head_size(r);
    stm_buf_clear(buf);
    stm_buf_put(buf, fixed, sizeof fixed);
    stm_buf_zero(buf, head - sizeof fixed);
    if (buf->failed)
        return stm_fail(err, STM_E_NOMEM, "cannot read pack %s: out of memory", p->name);
    rc = read_at(p, fd, buf->p + sizeof fixed, head - sizeof fixed, at + sizeof fixed, err);
    if (rc) return rc;
    if (stm_record_parse_head(r, buf->p, head)) return 0;
damaged:
    return stm_fail(err, STM_E_DAMAGED, "pack %s: the record at byte %llu is damaged", p->name,
                    (unsigned long long)at);
}

static bool entry_push(struct stm_pack *p, size_t *cap, const struct stm_record *r, uint64_t at)
{
    if (p->n == *cap) {
        size_t more = *cap ? 2 * *cap : 16;
        struct stm_pack_entry *e = stm_realloc(p->e, more * sizeof *e);
        if (!e) return false;
        p->e = e;
        *cap = more;
    }
    p->e[p->n++] = (struct stm_pack_entry){.id = r->id,
                                           .type = (uint8_t)r->type,
                                           .raw = r->raw,
                                           .size = (uint32_t)stm_record_size(r),
                                           .hash2 = r->hash2,
                                           .offset = at};
    return true;
}

/* Finds the records one after the other, up to the first that is none: the index, or damage. */
static int scan(struct stm_pack *p, int fd, struct stm_err *err)
{
    struct stm_buf buf = {0};
    size_t cap = 0;
    int rc = 0;
    for (uint64_t at = STM_PACK_HEADER; at < p->bytes;) {
        struct stm_record r;
        rc = read_head(p, fd, at, &buf, &r, NULL);
        if (rc == STM_E_DAMAGED) {
            rc = 0;
            break;
        }
        if (!rc && !entry_push(p, &cap, &r, at)) rc = STM_E_NOMEM;
        if (rc) {
            stm_fail(err, rc, "cannot scan pack %s: %s", p->name, stm_code_name(rc));
            break;
        }
        at += stm_record_size(&r);
    }
    if (p->n) qsort(p->e, p->n, sizeof *p->e, entry_cmp);
    stm_buf_release(&buf);
    return rc;
}

static void forget(struct stm_pack *p)
{
    stm_free(p->e);
    p->e = NULL;
    p->n = 0;
}

int stm_pack_load(struct stm_pack *p, const char *path, struct stm_err *err)
{
    int rc, fd = stm_fd_open(path, O_RDONLY, 0);
    if (fd < 0) {
        rc = stm_fail_errno(err, errno, "cannot open pack %s", path);
        return p->trouble = rc == STM_E_READONLY ? STM_E_IO : rc;
    }
    if (stm_fd_size(fd, &p->bytes)) {
        rc = stm_fail_errno(err, errno, "cannot read pack %s", path);
    } else {
        rc = check_header(p, fd, err);
        if (!rc) rc = load_index(p, fd, err);
        if (rc == STM_E_DAMAGED) {
            forget(p);
            int scanned = scan(p, fd, err);
            if (scanned) rc = scanned;
        }
        if (rc && rc != STM_E_DAMAGED) forget(p);
    }
    stm_fd_close(fd);
    return p->trouble = rc;
}

void stm_pack_release(struct stm_pack *p)
{
    forget(p);
    *p = (struct stm_pack){0};
}

static int record_bad(const struct stm_pack *p, const struct stm_pack_entry *e, struct stm_err *err)
{
    char text[STM_ID_TEXT];
    return stm_fail(err, STM_E_DAMAGED, "%s %s in pack %s: its record is damaged",
                    stm_type_name(e->type), stm_id_text(&e->id, text), p->name);
}

int stm_pack_read(const struct stm_pack *p, int fd, const struct stm_pack_entry *e, bool head_only,
                  struct stm_buf *buf, struct stm_record *r, struct stm_err *err)
{
    bool good;
    if (head_only) {
        int rc = read_head(p, fd, e->offset, buf, r, err);
        if (rc && rc != STM_E_DAMAGED) return rc;
        good = !rc && stm_record_size(r) == e->size;
    } else {
        stm_buf_clear(buf);
        stm_buf_zero(buf, e->size);
        if (buf->failed)
            return stm_fail(err, STM_E_NOMEM, "cannot read %u bytes of pack %s: out of memory",
                            (unsigned)e->size, p->name);
        int rc = read_at(p, fd, buf->p, e->size, e->offset, err);
        if (rc && rc != STM_E_DAMAGED) return rc;
        good = !rc && stm_record_parse(r, buf->p, e->size);
    }
    if (!good || !stm_id_eq(&r->id, &e->id) || r->type != e->type || r->raw != e->raw ||
        r->hash2 != e->hash2)
        return record_bad(p, e, err);
    return 0;
}
