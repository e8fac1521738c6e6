#include "store/packindex.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/id.h"
#include "store/layout.h"

static const char magic[] = "stmindex";
enum { VERSION = 1, HEAD = 24, PACK_HEAD = 32 };

/* ---- reading ---- */

static size_t entries_of(const unsigned char *head) { return stm_get_le32(head + 24); }

/* The whole file, in one read. False: it is not there or cannot be read; *nomem tells the rest. */
static bool slurp(struct stm_buf *b, const char *dir, bool *nomem)
{
    char path[STM_PATH_MAX];
    uint64_t bytes = 0;
    int fd = stm_fd_open(stm_path(path, dir, "index", NULL), O_RDONLY, 0);
    bool ok = fd >= 0 && !stm_fd_size(fd, &bytes) && bytes >= HEAD + 8 && bytes < SIZE_MAX;
    if (ok) stm_buf_zero(b, (size_t)bytes);
    *nomem = b->failed;
    ok = ok && !b->failed && stm_fd_pread(fd, b->p, b->n, 0) == (ssize_t)b->n;
    stm_fd_close(fd);
    return ok;
}

static bool is_sound(const struct stm_buf *b)
{
    return !memcmp(b->p, magic, 8) && stm_get_le32(b->p + 8) == VERSION &&
           stm_get_le64(b->p + b->n - 8) == stm_check_of(b->p, b->n - 8);
}

/* Finds the packs in the file. */
static bool cut(struct stm_packindex *x, size_t count)
{
    size_t at = HEAD, end = x->b.n - 8;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *head = x->b.p + at;
        if (end - at < PACK_HEAD || (end - at - PACK_HEAD) / STM_PACK_ENTRY < entries_of(head))
            return false;
        if (i && memcmp(x->packs[i - 1].head, head, STM_PACK_NUMBER) >= 0) return false;
        x->packs[i].head = head;
        at += PACK_HEAD + entries_of(head) * STM_PACK_ENTRY;
    }
    x->n = count;
    return at == end;
}

int stm_packindex_read(struct stm_packindex *x, const char *dir, struct stm_err *err)
{
    bool nomem = false;
    *x = (struct stm_packindex){0};
    if (slurp(&x->b, dir, &nomem) && is_sound(&x->b)) {
        uint64_t count = stm_get_le64(x->b.p + 16);
        if (count <= x->b.n / PACK_HEAD) {
            x->packs = stm_calloc((size_t)count + 1, sizeof *x->packs);
            nomem = !x->packs;
            if (x->packs && cut(x, (size_t)count)) return 0;
        }
    }
    stm_packindex_release(x);
    return nomem ? stm_fail(err, STM_E_NOMEM, "cannot read the index of %.180s: out of memory", dir)
                 : 0;
}

void stm_packindex_release(struct stm_packindex *x)
{
    stm_buf_release(&x->b);
    stm_free(x->packs);
    *x = (struct stm_packindex){0};
}

static const unsigned char *head_of(struct stm_packindex *x, const uint8_t *number)
{
    size_t lo = 0, hi = x->n, mid = x->next;
    while (lo < hi) {
        if (mid < lo || mid >= hi) mid = lo + (hi - lo) / 2;
        int c = memcmp(x->packs[mid].head, number, STM_PACK_NUMBER);
        if (!c) {
            x->next = mid + 1;
            return x->packs[mid].head;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
        mid = x->n;
    }
    return NULL;
}

bool stm_packindex_find(struct stm_packindex *x, struct stm_pack *p)
{
    uint8_t number[STM_PACK_NUMBER];
    const unsigned char *head = stm_pack_number(p->name, number) ? head_of(x, number) : NULL;
    if (!head) return false;
    size_t n = entries_of(head);
    struct stm_pack_entry *e = stm_calloc(n ? n : 1, sizeof *e);
    if (!e) return false;
    uint64_t bytes = stm_get_le64(head + 16);
    struct stm_rd rd = {.p = head + PACK_HEAD, .n = n * STM_PACK_ENTRY};
    for (size_t i = 0; i < n; i++)
        if (!stm_pack_entry_get(&e[i], &rd, bytes)) {
            stm_free(e);
            return false;
        }
    p->e = e;
    p->n = n;
    p->bytes = bytes;
    p->cached = true;
    return true;
}

/* ---- writing ---- */

static void encode(const struct stm_index *ix, struct stm_buf *b)
{
    uint8_t number[STM_PACK_NUMBER];
    uint64_t count = 0;
    stm_buf_put(b, magic, 8);
    stm_buf_u32(b, VERSION);
    stm_buf_u32(b, 0);
    stm_buf_u64(b, 0);
    for (size_t i = 0; i < ix->n_packs; i++) {
        const struct stm_pack *p = ix->packs[i];
        if (p->trouble || !stm_pack_number(p->name, number)) continue;
        stm_buf_put(b, number, sizeof number);
        stm_buf_u64(b, p->bytes);
        stm_buf_u32(b, (uint32_t)p->n);
        stm_buf_u32(b, 0);
        for (size_t k = 0; k < p->n; k++) stm_pack_entry_put(b, &p->e[k]);
        count++;
    }
    if (b->failed) return;
    stm_put_le64(b->p + 16, count);
    stm_buf_u64(b, stm_check_of(b->p, b->n));
}

/* Not synced: what a power cut leaves of it is not sound, or is the one before. */
static void replace(const char *dir, const struct stm_buf *b)
{
    const struct stm_fileops *ops = stm_fileops_current();
    char tmp[STM_PATH_MAX], path[STM_PATH_MAX];
    stm_path(tmp, dir, ".index.tmp", NULL);
    int fd = stm_fd_open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return;
    bool bad = stm_fd_write(fd, b->p, b->n) != 0;
    stm_fd_close(fd);
    if (bad || ops->rename(tmp, stm_path(path, dir, "index", NULL))) ops->unlink(tmp);
}

void stm_packindex_write(const struct stm_index *ix, const char *dir)
{
    struct stm_buf b = {0};
    int lock;
    if (stm_lock_take(&lock, dir, "index", LOCK_EX | LOCK_NB, NULL)) return;
    encode(ix, &b);
    if (!b.failed) replace(dir, &b);
    stm_buf_release(&b);
    stm_fd_close(lock);
}
