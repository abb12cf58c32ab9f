#include "contracts/import.h"

#include "base/check.h"
#include "base/doc.h"
#include "contracts/import/pbset.h"

static const char *const names[] = {
    [IMPORT_AUTO] = "auto",          [IMPORT_WEFT] = "weft", [IMPORT_OPENAPI] = "openapi",
    [IMPORT_JSCHEMA] = "jsonschema", [IMPORT_AVRO] = "avro", [IMPORT_PROTO] = "proto",
};

const char *import_format_name(enum import_format f)
{
    PRE((size_t)f < sizeof(names) / sizeof(names[0]));
    return names[f];
}

/* The first words tell: a large file is not read twice for it. */
enum { LOOKED_AT = 4096 };

static bool has_word(struct slice text, const char *word)
{
    return slice_has(slice_to(text, LOOKED_AT), slice_str(word));
}

static size_t skip(struct slice text, size_t at, const char *bytes)
{
    while (at < text.len && text.at[at] && strchr(bytes, text.at[at]))
        at++;
    return at;
}

/* Does `word: 3.0.3` stand in the text, with or without quotes?  Keys may be sorted, so that it is in the middle. */
static bool has_version(struct slice text, const char *word)
{
    size_t at = 0;
    for (struct slice rest = text; slice_find_text(rest, slice_str(word), &at); rest = slice_from(rest, at)) {
        at += strlen(word);
        size_t colon = skip(rest, skip(rest, at, "\"'"), " \t"), number = skip(rest, colon + 1, " \t\"'");
        if (colon < rest.len && rest.at[colon] == ':' && number < rest.len && rest.at[number] >= '0' &&
            rest.at[number] <= '9')
            return true;
    }
    return false;
}

enum import_format import_guess(struct slice text, const char *name)
{
    struct slice n = slice_str(name);
    if (slice_ends(n, SLICE(".proto")) || pbset_looks(text))
        return IMPORT_PROTO;
    if (slice_ends(n, SLICE(".weft")) || has_word(text, "contract(\""))
        return IMPORT_WEFT;
    if (has_version(text, "openapi") || has_version(text, "swagger"))
        return IMPORT_OPENAPI;
    if (slice_ends(n, SLICE(".avsc")) || has_word(text, "\"fields\""))
        return IMPORT_AVRO;
    static const char *const words[] = {"$schema", "\"type\"", "\"properties\"", "\"$ref\"", "\"allOf\"", "$defs"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (has_word(text, words[i]))
            return IMPORT_JSCHEMA;
    bool document = slice_ends(n, SLICE(".json")) || slice_ends(n, SLICE(".yaml")) || slice_ends(n, SLICE(".yml"));
    return document && slice_has(text, SLICE("openapi")) ? IMPORT_OPENAPI : IMPORT_AUTO;
}

/* What a file may have; peers' contracts have bounds of their own. */
enum { FACTS_MOST = 4000000 };
static const struct contract_bounds bounds = {.bytes = IMPORT_BYTES, .facts = FACTS_MOST};

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != ' ' && text.at[i] != '\t' && text.at[i] != '\r' && text.at[i] != '\n')
            return false;
    return true;
}

/* Why nobody can tell what it is. */
static void complain(const struct import_input *in, struct diag *diag)
{
    struct diag_place whole = {.file = in->name};
    size_t nul;
    if (is_blank(in->text))
        diag_add(diag, DIAG_ERROR, &whole, NULL, "this file is empty");
    else if (slice_find(in->text, '\0', &nul))
        diag_add(diag, DIAG_ERROR, &whole, "a descriptor set is read with --format-in proto", "this is no text");
    else
        diag_add(diag, DIAG_ERROR, &whole, "say what it is with --format-in weft, openapi, jsonschema, avro or proto",
                 "this is neither a contract nor OpenAPI nor JSON Schema, Avro or protobuf");
}

enum err import_contract(const struct import_input *in, struct diag *diag, struct contract **out)
{
    enum import_format f = in->format == IMPORT_AUTO ? import_guess(in->text, in->name) : in->format;
    switch (f) {
    case IMPORT_WEFT:
        return contract_parse_within(in->text, in->name, &bounds, diag, out);
    case IMPORT_OPENAPI:
        return import_openapi(in, diag, out);
    case IMPORT_JSCHEMA:
        return import_jschema(in, diag, out);
    case IMPORT_AVRO:
        return import_avro(in, diag, out);
    case IMPORT_PROTO:
        return import_proto(in, diag, out);
    case IMPORT_AUTO:
        break;
    }
    complain(in, diag);
    return ERR_INPUT;
}
