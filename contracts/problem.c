#include "contracts/problem.h"

#include "base/json_out.h"

enum { REQUEST_STATUS = 412, LEAVES = 12 };

static void put_place(struct json_out *j, const char *name, const struct verdict_place *p)
{
    if (!p->file)
        return;
    json_out_name(j, name);
    json_out_object(j);
    json_out_member(j, "file", slice_str(p->file));
    json_out_member_int(j, "line", p->line);
    json_out_member_int(j, "column", p->column);
    json_out_end(j);
}

/* What the two contracts say, and what they do not: the leaves of the proof.  `weft why` has the tree. */
static void put_proof(struct json_out *j, struct slice proof)
{
    struct slice line;
    json_out_name(j, "proof");
    json_out_array(j);
    for (size_t leaves = 0; leaves < LEAVES && slice_split(&proof, '\n', &line);) {
        line = slice_trim(line);
        if (!slice_starts(line, SLICE("consumer.")) && !slice_starts(line, SLICE("provider.")) &&
            !slice_starts(line, SLICE("there is no ")))
            continue;
        json_out_slice(j, line);
        leaves++;
    }
    json_out_end(j);
}

void problem_put(const struct verdict *v, struct slice operation, const struct verdict_finding *f, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_object(&j);
    json_out_member(&j, "type", SLICE("urn:weft:problem:contract-mismatch"));
    json_out_member(&j, "title", SLICE("The caller's contract and the service's do not fit"));
    json_out_member_int(&j, "status", REQUEST_STATUS);
    json_out_member(&j, "detail", f->message);
    json_out_member(&j, "operation", operation);
    json_out_member(&j, "rule", f->rule);
    json_out_member(&j, "level", slice_str(verdict_level_name(f->level)));
    json_out_member(&j, "id", f->id);
    json_out_member(&j, "where", f->where);
    if (f->witness.len) {
        json_out_name(&j, "witness");
        json_out_raw(&j, f->witness);
    }
    json_out_member(&j, "fix", f->fix);
    put_proof(&j, f->proof);
    json_out_member(&j, "consumer", contract_digest_text(verdict_consumer(v)));
    json_out_member(&j, "provider", contract_digest_text(verdict_provider(v)));
    put_place(&j, "consumer_place", &f->consumer);
    put_place(&j, "provider_place", &f->provider);
    json_out_end(&j);
}
