#include "store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/handle.h"
#include "store/id.h"

enum { REF_TEXT = 96 }; /* more than any ref file has */
static const char head[] = "stemma ref 1\nxxh3-128 ";

bool stm_ref_is_name(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n <= STM_REF_NAME_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static int bad_name(const char *name, struct stm_err *err)
{
    return stm_fail(err, STM_E_USAGE,
                    "'%.130s' is not a ref name: 1 to %d of a-z 0-9 . _ -, not starting with a dot",
                    name, STM_REF_NAME_MAX);
}

/* The one text of a ref file; returns its length. */
static size_t format_ref(char text[REF_TEXT], const char *name, const struct stm_id *id)
{
    char hex[STM_ID_TEXT], covered[STM_REF_NAME_MAX + 1 + REF_TEXT];
    int n = snprintf(text, REF_TEXT, "%s%s\n", head, stm_id_text(id, hex));
    int c = snprintf(covered, sizeof covered, "%s\n%s", name, text);
    uint64_t check = stm_check_of(covered, (size_t)c);
    n += snprintf(text + n, REF_TEXT - (size_t)n, "check %016llx\n", (unsigned long long)check);
    return (size_t)n;
}

/* What is not byte for byte the text that would be written is damaged. */
static bool parse_ref(const char *name, const char *text, size_t n, struct stm_id *id)
{
    char hex[STM_ID_TEXT], expected[REF_TEXT];
    size_t at = sizeof head - 1;
    if (n < at + STM_ID_HEX) return false;
    memcpy(hex, text + at, STM_ID_HEX);
    hex[STM_ID_HEX] = 0;
    struct stm_id got;
    if (!stm_id_parse(&got, hex)) return false;
    size_t want = format_ref(expected, name, &got);
    if (n != want || memcmp(text, expected, n)) return false;
    *id = got;
    return true;
}

int stm_ref_get(struct stm_store *s, const char *name, struct stm_id *out, struct stm_err *err)
{
    char path[STM_PATH_MAX], text[REF_TEXT + 1];
    if (!stm_ref_is_name(name)) return bad_name(name, err);
    int fd = stm_fd_open(stm_path(path, s->dir, "refs", name), O_RDONLY, 0);
    if (fd < 0 && errno == ENOENT)
        return stm_fail(err, STM_E_NOTFOUND, "no ref %s in store %.100s", name, s->dir);
    if (fd < 0) return stm_fail_errno(err, errno, "cannot open ref %s", name);
    ssize_t n = stm_fd_pread(fd, text, sizeof text, 0);
    int e = errno;
    stm_fd_close(fd);
    if (n < 0) return stm_fail(err, STM_E_IO, "cannot read ref %s: %s", name, strerror(e));
    if (!parse_ref(name, text, (size_t)n, out))
        return stm_fail(err, STM_E_DAMAGED, "ref %s is damaged: %.100s/refs/%s", name, s->dir,
                        name);
    return 0;
}

/* Does the ref point to what the caller believes? */
static int compare(struct stm_store *s, const char *name, const struct stm_id *old,
                   struct stm_err *err)
{
    struct stm_id current;
    char text[STM_ID_TEXT];
    int rc = stm_ref_get(s, name, &current, err);
    if (rc == STM_E_NOTFOUND)
        return old ? stm_fail(err, STM_E_CONFLICT, "ref %s is not there any more", name) : 0;
    if (rc) return rc;
    if (old && stm_id_eq(old, &current)) return 0;
    return stm_fail(err, STM_E_CONFLICT, "ref %s has moved to %s", name,
                    stm_id_text(&current, text));
}

/* Under locks/refs, which makes the one name ".tmp" ours and whatever it holds a leftover. */
static int replace(struct stm_store *s, const char *name, const struct stm_id *now,
                   struct stm_err *err)
{
    const struct stm_fileops *ops = stm_fileops_current();
    char tmp[STM_PATH_MAX], path[STM_PATH_MAX], text[REF_TEXT];
    size_t n = format_ref(text, name, now);
    stm_path(tmp, s->dir, "refs", ".tmp");
    stm_path(path, s->dir, "refs", name);
    int fd = stm_fd_open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return stm_fail_errno(err, errno, "cannot make %.180s", tmp);
    bool bad = stm_fd_write(fd, text, n) || ops->fsync(fd);
    stm_fd_close(fd);
    if (bad || ops->rename(tmp, path)) {
        int e = errno;
        ops->unlink(tmp);
        return stm_fail_errno(err, e, "cannot write ref %s", name);
    }
    if (stm_dir_sync(stm_path(path, s->dir, "refs", NULL)))
        return stm_fail_errno(err, errno, "cannot sync %.180s", path);
    return 0;
}

int stm_ref_swap(struct stm_store *s, const char *name, const struct stm_id *old,
                 const struct stm_id *now, struct stm_err *err)
{
    if (!stm_ref_is_name(name)) return bad_name(name, err);
    int lock, rc = stm_lock_take(&lock, s->dir, "refs", LOCK_EX, err);
    if (rc) return rc;
    rc = compare(s, name, old, err);
    if (!rc) rc = replace(s, name, now, err);
    stm_fd_close(lock);
    return rc;
}

static int collect(void *ctx, const char *name)
{
    struct stm_ref_names *l = ctx;
    if (!stm_ref_is_name(name) || strncmp(name, l->prefix, strlen(l->prefix))) return 0;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 32;
        void *names = stm_realloc(l->name, cap * sizeof *l->name);
        if (!names) return 1;
        l->name = names;
        l->cap = cap;
    }
    strcpy(l->name[l->n++], name);
    return 0;
}

static int name_cmp(const void *a, const void *b) { return strcmp(a, b); }

int stm_ref_names_list(struct stm_ref_names *l, struct stm_store *s, const char *prefix,
                       struct stm_err *err)
{
    char path[STM_PATH_MAX];
    *l = (struct stm_ref_names){.prefix = prefix};
    int rc = stm_dir_each(stm_path(path, s->dir, "refs", NULL), collect, l);
    if (rc < 0 && errno == ENOENT) rc = 0; /* a copy that lost its empty directories */
    if (rc > 0)
        rc = stm_fail(err, STM_E_NOMEM, "cannot list refs: out of memory");
    else if (rc)
        rc = stm_fail_errno(err, errno, "cannot list %.180s", path);
    if (rc)
        stm_ref_names_release(l);
    else if (l->n)
        qsort(l->name, l->n, sizeof *l->name, name_cmp);
    return rc;
}

void stm_ref_names_release(struct stm_ref_names *l)
{
    stm_free(l->name);
    *l = (struct stm_ref_names){0};
}

int stm_ref_each(struct stm_store *s, const char *prefix,
                 int (*each)(void *ctx, const char *name, const struct stm_id *id), void *ctx,
                 struct stm_err *err)
{
    struct stm_ref_names l;
    int rc = stm_ref_names_list(&l, s, prefix, err);
    for (size_t i = 0; !rc && i < l.n; i++) {
        struct stm_id id;
        rc = stm_ref_get(s, l.name[i], &id, err);
        if (!rc) rc = each(ctx, l.name[i], &id);
    }
    stm_ref_names_release(&l);
    return rc;
}
