#include "cli/policy_set.h"

enum err policy_set_open(struct policy_set *s, const char *const *paths, size_t count, const char *contract,
                         struct diag *diag)
{
    *s = (struct policy_set){0};
    enum err contracted = contract ? contract_read(contract, diag, &s->contract) : ERR_OK;
    TRY(policy_files_read(&s->files, paths, count, diag));
    TRY(policy_load(s->files.v, s->files.count, diag, &s->authz));
    return contracted;
}

void policy_set_fini(struct policy_set *s)
{
    authz_free(&s->authz);
    policy_files_fini(&s->files);
    contract_unref(&s->contract);
}
