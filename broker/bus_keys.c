#include "broker/bus_keys.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/now.h"

enum { BODY_BOUND = 256 };

struct request {
    struct bus_keys *keys;
    struct buf body;
};

static void answer(struct transit *t, unsigned status, const char *word, const char *detail)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "title", slice_str(detail));
    json_out_member_int(&j, "status", status);
    json_out_end(&j);
    if (headers_add_token(&t->out.headers, HEADERS_WEFT_ERROR, slice_str(word)) != ERR_OK ||
        transit_answer(t, status, SLICE("application/problem+json"), buf_slice(&text)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    buf_fini(&text);
}

/* {"key":"..."} and nothing else: what is so small needs no parser with choices. */
static enum err read_key(struct slice body, uint8_t key[KEYRING_KEY])
{
    struct slice before = SLICE("{\"key\":\""), after = SLICE("\"}");
    size_t len;
    body = slice_trim(body);
    if (!slice_starts(body, before) || !slice_ends(body, after) || body.len < before.len + after.len)
        return ERR_INPUT;
    struct slice text = slice_from(slice_to(body, body.len - after.len), before.len);
    TRY(hash_base64url(text, key, KEYRING_KEY, &len));
    return len == KEYRING_KEY ? ERR_OK : ERR_INPUT;
}

static void welcome(struct request *r, struct transit *t)
{
    struct buf key;
    buf_init(&key, BODY_BOUND);
    hash_put_base64url(&key, slice_of(r->keys->public_key, KEYRING_KEY));
    struct headers *h = &t->out.headers;
    if (headers_add_copy(h, SLICE("weft-bus-key"), buf_slice(&key)) != ERR_OK ||
        headers_add_copy(h, SLICE("weft-bus-endpoint"), slice_str(r->keys->endpoint)) != ERR_OK ||
        transit_answer(t, 200, SLICE("application/json"), SLICE("{}\n")) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    buf_fini(&key);
    log_event(LOG_INFO, "bus-key", LOG_TEXT("peer", t->peer_id));
}

/* A key stands for an identity no longer than the certificate that says so. */
static int64_t good_for_us(const struct request *r, const struct transit *t)
{
    int64_t most = INT64_C(3600) * BUS_KEYS_HOURS * NOW_US_PER_S;
    int64_t left = t->peer_until_us - now_wall_us(r->keys->now);
    return t->peer_until_us && left < most ? left : most;
}

static void take_key(struct request *r, struct transit *t)
{
    uint8_t key[KEYRING_KEY];
    int64_t now_us = now_mono_us(r->keys->now);
    int64_t until_us = now_us + good_for_us(r, t);
    if (!slice_eq(message_path_only(&t->in), SLICE("/.well-known/weft/bus-keys")))
        answer(t, 404, "no-route", "PUT /.well-known/weft/bus-keys is all there is here.");
    else if (!slice_eq(t->in.method, SLICE("PUT")))
        answer(t, 405, "method-unknown", "A key is PUT.");
    else if (t->peer_id.len == 0)
        answer(t, 403, "policy-denied", "A key needs a certificate.");
    else if (read_key(buf_slice(&r->body), key) != ERR_OK)
        answer(t, 400, "bad-request", "The body is {\"key\":\"32 bytes in base64url\"}.");
    else if (keyring_add(r->keys->ring, key, t->peer_id, t->peer, until_us, now_us) != ERR_OK)
        answer(t, 503, "overloaded", "Too many keys are registered.");
    else
        welcome(r, t);
}

static void data(struct transit *t, struct slice bytes)
{
    struct request *r = t->owner_data;
    transit_credit(t, t->owed);
    if (!t->out_head && buf_add(&r->body, bytes) != ERR_OK)
        answer(t, 413, "payload-too-large", "A key has 32 bytes.");
}

static void end(struct transit *t)
{
    if (!t->out_head)
        take_key(t->owner_data, t);
}

static void gone(struct transit *t, enum transit_end how)
{
    (void)how;
    struct request *r = t->owner_data;
    buf_fini(&r->body);
    mem_free(r);
    transit_free(&t);
}

static const struct transit_owner owner = {.data = data, .end = end, .gone = gone};

void bus_keys_serve(struct bus_keys *keys, struct transit *t)
{
    struct request *r = mem_new(sizeof(*r));
    r->keys = keys;
    buf_init(&r->body, BODY_BOUND);
    t->owner = &owner;
    t->owner_data = r;
}
