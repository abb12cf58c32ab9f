#include "base/confine.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* System calls are numbered for one architecture; a call by another's numbers is refused whole. */
#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#define OUR_ARCH 0
#endif

/* What neither a sidecar nor a broker ever does. */
static const int forbidden[] = {
    /* other programs and other processes */
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,
    /* who we are */
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
    /* other roofs */
    SYS_unshare,
    SYS_setns,
    SYS_chroot,
    SYS_pivot_root,
    SYS_mount,
    SYS_umount2,
    /* the machine */
    SYS_reboot,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_swapon,
    SYS_swapoff,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_acct,
    SYS_quotactl,
    /* wide doors into the kernel */
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_personality,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_syslog,
    SYS_vhangup,
};
enum { FORBIDDEN = sizeof(forbidden) / sizeof(forbidden[0]), X32_BIT = 0x40000000 };

static struct sock_filter load(size_t offset)
{
    return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter answer(uint32_t what)
{
    return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what);
}

/* Equal: goes on behind the next `skip` lines; else with the next line. */
static struct sock_filter skip_if(uint32_t value, uint8_t skip)
{
    return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0);
}

static int filter_calls(void)
{
    struct sock_filter lines[FORBIDDEN + 8];
    unsigned short n = 0;
    lines[n++] = load(offsetof(struct seccomp_data, arch));
    lines[n++] = skip_if(OUR_ARCH, 1);
    lines[n++] = answer(SECCOMP_RET_KILL_PROCESS);
    lines[n++] = load(offsetof(struct seccomp_data, nr));
    lines[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, FORBIDDEN + 1, 0);
    for (unsigned i = 0; i < FORBIDDEN; i++)
        lines[n++] = skip_if((uint32_t)forbidden[i], (uint8_t)(FORBIDDEN - i));
    lines[n++] = answer(SECCOMP_RET_ALLOW);
    lines[n++] = answer(SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {.len = n, .filter = lines};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

enum err confine_process(const char **missing)
{
    const struct rlimit none = {0, 0};
    const char *what = NULL;
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        what = "memory that is not dumped";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        what = "no new privileges";
    else if (OUR_ARCH == 0 || filter_calls() != 0)
        what = "seccomp";
    if (!what)
        return ERR_OK;
    *missing = what;
    return ERR_IO;
}
