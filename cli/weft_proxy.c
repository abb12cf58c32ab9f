/* weft-proxy: the sidecar as a program of its own, linking only what it needs. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return cmd_proxy(argc, argv);
}
