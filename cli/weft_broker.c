/* weft-broker: the job broker as a program of its own, linking only what it needs. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return cmd_broker(argc, argv);
}
