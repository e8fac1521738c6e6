#include "store/packwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/id.h"

enum { FLUSH_BYTES = 1 << 20, TMP_TRIES = 16 };
static const char tmp_prefix[] = ".tmp-";

void stm_packwriter_init(struct stm_packwriter *w, const char *dir, bool clear)
{
    memset(w, 0, sizeof *w);
    w->dir = dir;
    w->clear = clear;
    w->fd = -1;
}

/* ---- the temporary file ---- */

static int choose_number(struct stm_packwriter *w, struct stm_err *err)
{
    ssize_t r;
    do r = getrandom(w->number, sizeof w->number, 0);
    while (r < 0 && errno == EINTR);
    if (r != (ssize_t)sizeof w->number)
        return stm_fail_errno(err, r < 0 ? errno : EIO, "cannot get a random number");
    char name[sizeof tmp_prefix + 2 * STM_PACK_NUMBER];
    memcpy(name, tmp_prefix, sizeof tmp_prefix);
    stm_hex_put(name + sizeof tmp_prefix - 1, w->number, sizeof w->number);
    stm_path(w->tmp, w->dir, "packs", name);
    return 0;
}

/* Between making the file and locking it, another writer may take it for a leftover and remove it.
 * It is then without a name, which shows once the lock is held; make another one. 1: try again. */
static int try_tmp(struct stm_packwriter *w, struct stm_err *err)
{
    int rc = choose_number(w, err);
    if (rc) return rc;
    w->fd = stm_fd_open(w->tmp, O_WRONLY | O_CREAT | O_EXCL, 0444);
    if (w->fd < 0) {
        if (errno == EEXIST) return 1;
        return stm_fail_errno(err, errno, "cannot make %.180s", w->tmp);
    }
    struct stat st;
    if (stm_fd_lock(w->fd, LOCK_EX) || stm_fileops_current()->fstat(w->fd, &st))
        return stm_fail_errno(err, errno, "cannot lock %.180s", w->tmp);
    if (st.st_nlink) return 0;
    stm_fd_close(w->fd);
    w->fd = -1;
    return 1;
}

/* Removes one file if it is the leftover of a dead writer. What goes wrong here is no error: the
 * file wastes space and nothing else. */
static int clear_one(void *ctx, const char *name)
{
    const struct stm_packwriter *w = ctx;
    char path[STM_PATH_MAX];
    if (strncmp(name, tmp_prefix, sizeof tmp_prefix - 1) || strlen(name) > 255) return 0;
    stm_path(path, w->dir, "packs", name);
    if (!strcmp(path, w->tmp)) return 0;
    int fd = stm_fd_open(path, O_RDONLY, 0);
    if (fd < 0) return 0;
    if (!stm_fd_lock(fd, LOCK_EX | LOCK_NB)) stm_fileops_current()->unlink(path);
    stm_fd_close(fd);
    return 0;
}

static int start(struct stm_packwriter *w, struct stm_err *err)
{
    int rc = 1;
    for (int i = 0; rc > 0 && i < TMP_TRIES; i++) rc = try_tmp(w, err);
    if (rc > 0)
        rc = stm_fail(err, STM_E_IO,
                      "cannot make a temporary file in %.160s/packs: "
                      "other processes keep removing it",
                      w->dir);
    if (rc) return rc;
    char packs[STM_PATH_MAX];
    if (w->clear) stm_dir_each(stm_path(packs, w->dir, "packs", NULL), clear_one, w);
    stm_pack_header_put(&w->out, w->number);
    return 0;
}

static int flush(struct stm_packwriter *w, struct stm_err *err)
{
    if (w->out.failed) return stm_fail(err, STM_E_NOMEM, "cannot write a pack: out of memory");
    if (stm_fd_write(w->fd, w->out.p, w->out.n))
        return stm_fail_errno(err, errno, "cannot write %.180s", w->tmp);
    w->at += w->out.n;
    stm_buf_clear(&w->out);
    return 0;
}

/* ---- what has been added ---- */

const struct stm_pack_entry *stm_packwriter_find(const struct stm_packwriter *w,
                                                 const struct stm_id *id)
{
    if (!w->n_slots) return NULL;
    for (size_t i = stm_get_le64(id->h);; i++) {
        i &= w->n_slots - 1;
        if (!w->slots[i]) return NULL;
        const struct stm_pack_entry *e = &w->e[w->slots[i] - 1];
        if (stm_id_eq(&e->id, id)) return e;
    }
}

static void remember(struct stm_packwriter *w, size_t entry)
{
    size_t i = stm_get_le64(w->e[entry].id.h) & (w->n_slots - 1);
    while (w->slots[i]) i = (i + 1) & (w->n_slots - 1);
    w->slots[i] = (uint32_t)entry + 1;
}

static bool reserve(struct stm_packwriter *w)
{
    if (w->n < w->cap) return true;
    size_t cap = w->cap ? 2 * w->cap : 64;
    struct stm_pack_entry *e = stm_realloc(w->e, cap * sizeof *e);
    if (!e) return false;
    w->e = e;
    uint32_t *slots = stm_calloc(2 * cap, sizeof *slots);
    if (!slots) return false;
    stm_free(w->slots);
    w->slots = slots;
    w->n_slots = 2 * cap;
    w->cap = cap;
    for (size_t i = 0; i < w->n; i++) remember(w, i);
    return true;
}

int stm_packwriter_add(struct stm_packwriter *w, const struct stm_record *r,
                       const struct stm_id *refs, struct stm_err *err)
{
    int rc = w->fd < 0 ? start(w, err) : 0;
    if (rc) return rc;
    if (!reserve(w)) return stm_fail(err, STM_E_NOMEM, "cannot write a pack: out of memory");
    uint64_t offset = w->at + w->out.n;
    stm_record_put(&w->out, r, refs);
    w->e[w->n] = (struct stm_pack_entry){.id = r->id,
                                         .type = (uint8_t)r->type,
                                         .raw = r->raw,
                                         .size = (uint32_t)stm_record_size(r),
                                         .hash2 = r->hash2,
                                         .offset = offset};
    remember(w, w->n++);
    return w->out.n >= FLUSH_BYTES || w->out.failed ? flush(w, err) : 0;
}

/* ---- the end ---- */

int stm_packwriter_publish(struct stm_packwriter *w, struct stm_err *err)
{
    char name[STM_PACK_NAME], path[STM_PATH_MAX];
    stm_pack_index_put(&w->out, w->e, w->n, w->at + w->out.n, w->number);
    int rc = flush(w, err);
    if (rc) return rc;
    const struct stm_fileops *ops = stm_fileops_current();
    /* Never retried: after a failed fsync the kernel may have dropped the dirty pages and would
     * report success the second time. */
    if (ops->fsync(w->fd)) return stm_fail_errno(err, errno, "cannot sync %.180s", w->tmp);
    stm_pack_name(name, w->number);
    if (ops->link(w->tmp, stm_path(path, w->dir, "packs", name)))
        return stm_fail_errno(err, errno, "cannot link %.180s", path);
    ops->unlink(w->tmp); /* a second name that stays is cleared away like any leftover */
    w->tmp[0] = 0;
    return 0;
}

void stm_packwriter_take(struct stm_packwriter *w, struct stm_pack *p)
{
    *p = (struct stm_pack){.bytes = w->at, .e = w->e, .n = w->n};
    stm_pack_name(p->name, w->number);
    w->e = NULL;
    w->n = w->cap = 0;
}

void stm_packwriter_drop(struct stm_packwriter *w)
{
    if (w->fd >= 0 && w->tmp[0]) stm_fileops_current()->unlink(w->tmp);
    stm_fd_close(w->fd);
    stm_buf_release(&w->out);
    stm_free(w->e);
    stm_free(w->slots);
    stm_packwriter_init(w, w->dir, w->clear);
}
