#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"

struct args_walk {
    const struct args_command *command;
    char *bytes; /* the struct being filled */
    char **argv;
    int argc, at;
};

static void put_flag_help(const struct args_flag *f)
{
    char left[64];
    int used = f->letter ? snprintf(left, sizeof(left), "-%c, --%s", f->letter, f->name)
                         : snprintf(left, sizeof(left), "    --%s", f->name);
    if (f->type != ARGS_SWITCH)
        snprintf(left + used, sizeof(left) - (size_t)used, " %s", f->value ? f->value : "VALUE");
    printf("  %-26s %s", left, f->doc);
    for (size_t i = 0; f->choices && f->choices[i]; i++)
        printf("%s%s", i ? "|" : ": ", f->choices[i]);
    printf("\n");
}

void args_help(const struct args_command *command)
{
    printf("%s - %s\n\nusage: %s%s%s%s\n", command->name, command->summary, command->name,
           command->flags && command->flags->name ? " [flags]" : "", *command->words ? " " : "", command->words);
    printf("\nflags:\n");
    for (const struct args_flag *f = command->flags; f && f->name; f++)
        put_flag_help(f);
    printf("  %-26s this text\n", "-h, --help");
    if (command->examples)
        printf("\nexamples:\n%s", command->examples);
    if (command->details)
        printf("\n%s", command->details);
}

static enum args_result wrong(const struct args_walk *w, const char *what, const char *word)
{
    fprintf(stderr, "%s: %s %s (try %s --help)\n", w->command->name, what, word, w->command->name);
    return ARGS_WRONG;
}

static const struct args_flag *find_long(const struct args_walk *w, struct slice name)
{
    for (const struct args_flag *f = w->command->flags; f && f->name; f++)
        if (slice_eq(slice_str(f->name), name))
            return f;
    return NULL;
}

static const struct args_flag *find_letter(const struct args_walk *w, char letter)
{
    for (const struct args_flag *f = w->command->flags; f && f->name; f++)
        if (f->letter && f->letter == letter)
            return f;
    return NULL;
}

static enum args_result unknown(const struct args_walk *w, struct slice name, const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (const struct args_flag *f = w->command->flags; f && f->name && count < 64; f++)
        names[count++] = f->name;
    const char *nearest = diag_nearest(name, names, count);
    if (!nearest)
        return wrong(w, "unknown flag", word);
    fprintf(stderr, "%s: unknown flag %s: did you mean --%s?\n", w->command->name, word, nearest);
    return ARGS_WRONG;
}

static enum args_result set_choice(const struct args_walk *w, const struct args_flag *f, const char *value)
{
    for (unsigned i = 0; f->choices[i]; i++)
        if (strcmp(f->choices[i], value) == 0) {
            memcpy(w->bytes + f->offset, &i, sizeof(i));
            return ARGS_GO;
        }
    fprintf(stderr, "%s: --%s cannot be \"%s\"; it is one of", w->command->name, f->name, value);
    for (unsigned i = 0; f->choices[i]; i++)
        fprintf(stderr, "%s %s", i ? "," : "", f->choices[i]);
    fprintf(stderr, "\n");
    return ARGS_WRONG;
}

static enum args_result set_texts(const struct args_walk *w, const struct args_flag *f, const char *value)
{
    struct args_texts *texts = (void *)(w->bytes + f->offset);
    if (texts->count == ARGS_TEXTS_MOST)
        return wrong(w, "given more than 64 times:", f->name);
    texts->v[texts->count++] = value;
    return ARGS_GO;
}

static enum args_result set_value(const struct args_walk *w, const struct args_flag *f, const char *value)
{
    uint64_t count;
    switch (f->type) {
    case ARGS_SWITCH:
        return wrong(w, "takes no value: --", f->name);
    case ARGS_TEXT:
        memcpy(w->bytes + f->offset, &value, sizeof(value));
        return ARGS_GO;
    case ARGS_COUNT:
        if (slice_u64(slice_str(value), UINT64_MAX, &count) != ERR_OK)
            return wrong(w, "not a number:", value);
        memcpy(w->bytes + f->offset, &count, sizeof(count));
        return ARGS_GO;
    case ARGS_CHOICE:
        return set_choice(w, f, value);
    case ARGS_TEXTS:
        return set_texts(w, f, value);
    }
    return ARGS_WRONG;
}

/* `attached` is what stands behind "=", or NULL. */
static enum args_result take_flag(struct args_walk *w, const struct args_flag *f, const char *attached)
{
    if (f->type == ARGS_SWITCH && !attached) {
        bool yes = true;
        memcpy(w->bytes + f->offset, &yes, sizeof(yes));
        return ARGS_GO;
    }
    if (!attached && w->at == w->argc)
        return wrong(w, "a value is missing after", w->argv[w->at - 1]);
    return set_value(w, f, attached ? attached : w->argv[w->at++]);
}

static enum args_result take_dashed(struct args_walk *w, const char *word)
{
    if (word[1] != '-') {
        const struct args_flag *f = word[2] ? NULL : find_letter(w, word[1]);
        return f ? take_flag(w, f, NULL) : wrong(w, "unknown flag", word);
    }
    struct slice name = slice_str(word + 2);
    size_t eq;
    const char *attached = NULL;
    if (slice_find(name, '=', &eq)) {
        attached = name.at + eq + 1;
        name = slice_to(name, eq);
    }
    const struct args_flag *f = find_long(w, name);
    return f ? take_flag(w, f, attached) : unknown(w, name, word);
}

static enum args_result check_words(const struct args_walk *w, size_t count)
{
    if (count < w->command->min_words)
        return wrong(w, "missing:", w->command->words);
    if (count > w->command->max_words)
        return wrong(w, "too many words; expected:", *w->command->words ? w->command->words : "none");
    return ARGS_GO;
}

enum args_result args_parse(const struct args_command *command, int argc, char **argv, void *into, const char **words,
                            size_t *word_count)
{
    struct args_walk w = {.command = command, .bytes = into, .argv = argv, .argc = argc, .at = 1};
    bool flags_ended = false;
    size_t count = 0;
    while (w.at < argc) {
        const char *word = argv[w.at++];
        if (!flags_ended && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            args_help(command);
            return ARGS_SHOWN;
        }
        if (!flags_ended && strcmp(word, "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && word[0] == '-' && word[1]) {
            enum args_result r = take_dashed(&w, word);
            if (r != ARGS_GO)
                return r;
        } else if (count == ARGS_WORDS_MOST) {
            return wrong(&w, "too many words:", word);
        } else {
            words[count++] = word;
        }
    }
    *word_count = count;
    return check_words(&w, count);
}
