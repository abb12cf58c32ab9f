/* Transitive closure of a chain and of a random graph: joins, deltas and duplicates. */
#include "bench/kit.h"
#include "datalog/datalog.h"

enum { CHAIN = 300, NODES = 200, EDGES = 800 };

struct graph {
    struct datalog *program;
    struct datalog_run *run;
    int edge, path;
    bool random;
    size_t paths;
};

static const char text[] = ".decl edge(a:number, b:number)\n"
                           ".decl path(a:number, b:number)\n"
                           ".output path\n"
                           "path(a, b) :- edge(a, b).\n"
                           "path(a, c) :- path(a, b), edge(b, c).\n";

static void put_edges(struct graph *g)
{
    uint64_t seed = 7;
    for (int i = 0; i < (g->random ? EDGES : CHAIN); i++) {
        datalog_word edge[2] = {i, i + 1};
        for (int n = 0; g->random && n < 2; n++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            edge[n] = (datalog_word)((seed >> 33) % NODES);
        }
        datalog_fact(g->run, g->edge, edge);
    }
}

static void body(void *arg)
{
    struct graph *g = arg;
    const char *why;
    datalog_run_reset(g->run);
    put_edges(g);
    kit_must(datalog_run_eval(g->run, &why) == ERR_OK, "the closure is found");
    g->paths = datalog_count(g->run, g->path);
}

static void measure(const struct kit *k, struct datalog *program, const char *name, bool random)
{
    struct datalog_limits limits = {0};
    struct graph g = {.program = program, .run = datalog_run_new(program, &limits), .random = random};
    g.edge = datalog_relation(program, SLICE("edge"));
    g.path = datalog_relation(program, SLICE("path"));
    kit_run(k, &(struct kit_case){.name = name, .body = body, .arg = &g});
    kit_must(random || g.paths == CHAIN * (CHAIN + 1) / 2, "a chain has n(n+1)/2 paths");
    datalog_run_free(&g.run);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct datalog *program;
    struct diag diag;
    diag_init(&diag);
    struct datalog_text source = {.file = "closure", .text = slice_str(text)};
    kit_must(datalog_load(&source, 1, &diag, &program) == ERR_OK, "the program is sound");
    measure(&k, program, "dl_eval/closure_chain_300", false);
    measure(&k, program, "dl_eval/closure_random_200x800", true);
    datalog_free(&program);
    diag_fini(&diag);
    return 0;
}
