#include "store/record.h"

#include <assert.h>
#include <string.h>

#include "store/codec.h"
#include "store/id.h"

static const unsigned char magic[4] = {'s', 't', 'O', '1'};

size_t stm_record_raw_max(unsigned type)
{
    switch (type) {
    case STM_OBJ_CHUNK: return STM_CHUNK_MAX;
    case STM_OBJ_STATE:
    case STM_OBJ_RECORD: return STM_RECORD_MAX;
    default: return 0;
    }
}

const char *stm_type_name(unsigned type)
{
    switch (type) {
    case STM_OBJ_CHUNK: return "chunk";
    case STM_OBJ_STATE: return "state";
    case STM_OBJ_RECORD: return "record";
    default: return "object";
    }
}

size_t stm_record_head_size(const struct stm_record *r)
{
    return STM_RECORD_FIXED + (size_t)r->n_refs * STM_RECORD_REF + 8;
}

uint64_t stm_record_size(const struct stm_record *r)
{
    return (uint64_t)stm_record_head_size(r) + r->coded;
}

void stm_record_put(struct stm_buf *b, const struct stm_record *r, const struct stm_id *refs)
{
    size_t start = b->n;
    stm_buf_put(b, magic, sizeof magic);
    stm_buf_u8(b, (uint8_t)r->type);
    stm_buf_u8(b, r->id.alg);
    stm_buf_u8(b, (uint8_t)r->elem_size);
    stm_buf_u8(b, (uint8_t)r->codec);
    stm_buf_put(b, r->id.h, sizeof r->id.h);
    stm_buf_u64(b, r->hash2);
    stm_buf_u32(b, r->raw);
    stm_buf_u32(b, r->coded);
    stm_buf_u32(b, r->n_refs);
    stm_buf_u32(b, 0);
    for (size_t i = 0; i < r->n_refs; i++) {
        stm_buf_u8(b, refs[i].alg);
        stm_buf_put(b, refs[i].h, sizeof refs[i].h);
    }
    if (b->failed) return;
    stm_buf_u64(b, stm_check_of(b->p + start, b->n - start));
    stm_buf_put(b, r->bytes, r->coded);
}

bool stm_record_parse_fixed(struct stm_record *r, const unsigned char *p)
{
    if (memcmp(p, magic, sizeof magic)) return false;
    struct stm_rd rd = {.p = p, .n = STM_RECORD_FIXED, .at = sizeof magic};
    *r = (struct stm_record){0};
    unsigned type = stm_rd_u8(&rd);
    r->type = (enum stm_object_type)type;
    r->id.alg = stm_rd_u8(&rd);
    r->elem_size = stm_rd_u8(&rd);
    r->codec = stm_rd_u8(&rd);
    memcpy(r->id.h, stm_rd_bytes(&rd, sizeof r->id.h), sizeof r->id.h);
    r->hash2 = stm_rd_u64(&rd);
    r->raw = stm_rd_u32(&rd);
    r->coded = stm_rd_u32(&rd);
    r->n_refs = stm_rd_u32(&rd);
    uint32_t zero = stm_rd_u32(&rd);
    assert(!rd.bad && rd.at == STM_RECORD_FIXED);
    return stm_record_raw_max(type) && r->id.alg == STM_ID_XXH3_128 &&
           r->codec == STM_CODEC_PLANES && r->raw <= stm_record_raw_max(type) &&
           r->coded <= r->raw + STM_RECORD_CODED_SLACK && r->n_refs <= STM_RECORD_REFS_MAX && !zero;
}

bool stm_record_parse_head(struct stm_record *r, const unsigned char *p, size_t n)
{
    if (n < STM_RECORD_FIXED || !stm_record_parse_fixed(r, p)) return false;
    if (n != stm_record_head_size(r)) return false;
    r->refs = p + STM_RECORD_FIXED;
    return stm_get_le64(p + n - 8) == stm_check_of(p, n - 8);
}

bool stm_record_parse(struct stm_record *r, const unsigned char *p, size_t n)
{
    if (n < STM_RECORD_FIXED || !stm_record_parse_fixed(r, p)) return false;
    if (stm_record_size(r) != n) return false;
    size_t head = stm_record_head_size(r);
    if (!stm_record_parse_head(r, p, head)) return false;
    r->bytes = p + head;
    return true;
}

struct stm_id stm_record_ref(const struct stm_record *r, size_t i)
{
    assert(i < r->n_refs);
    const unsigned char *p = r->refs + i * STM_RECORD_REF;
    struct stm_id id = {.alg = p[0]};
    memcpy(id.h, p + 1, sizeof id.h);
    return id;
}
