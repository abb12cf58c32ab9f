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

/* What a sidecar and a broker live by once they run, the most frequent first; so does whatever the libraries under them
 * may ask for as files, names, threads and memory come and go. */
static const int allowed[] = {
    SYS_read,
    SYS_write,
    SYS_recvfrom,
    SYS_sendto,
    SYS_futex,
    SYS_close,
    SYS_accept4,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_clock_gettime,
    SYS_readv,
    SYS_writev,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_epoll_pwait,
    SYS_fdatasync,
    SYS_pwrite64,
    SYS_pread64,
#if defined(__x86_64__) /* what newer machines have under newer names only */
    SYS_epoll_wait,
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_rename,
    SYS_unlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_link,
    SYS_chmod,
    SYS_dup2,
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_getdents,
    SYS_eventfd,
    SYS_epoll_create,
    SYS_time,
    SYS_arch_prctl,
    SYS_utimes,
#endif
    SYS_epoll_ctl,
    SYS_epoll_create1,
    SYS_epoll_pwait2,
    SYS_ppoll,
    SYS_pselect6,
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_socketpair,
    SYS_recvmmsg,
    SYS_sendmmsg,
    SYS_sendfile,
    SYS_accept,
    SYS_eventfd2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_signalfd4,
    SYS_pipe2,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_ioctl,
    SYS_openat,
    SYS_newfstatat,
    SYS_fstat,
    SYS_statx,
    SYS_statfs,
    SYS_fstatfs,
    SYS_lseek,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_getdents64,
    SYS_getcwd,
    SYS_pwritev,
    SYS_pwritev2,
    SYS_preadv,
    SYS_renameat,
    SYS_renameat2,
    SYS_unlinkat,
    SYS_mkdirat,
    SYS_linkat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fsync,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_sync_file_range,
    SYS_umask,
    SYS_flock,
    SYS_utimensat,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_msync,
    SYS_brk,
    SYS_mincore,
    SYS_mlock,
    SYS_munlock,
    SYS_membarrier,
    SYS_clone,
    SYS_clone3,
    SYS_exit,
    SYS_exit_group,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_rseq,
    SYS_set_tid_address,
    SYS_gettid,
    SYS_tgkill,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_setscheduler,
    SYS_sched_setaffinity,
    SYS_getcpu,
    SYS_restart_syscall,
    SYS_wait4,
    SYS_waitid,
    SYS_kill,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend,
    SYS_rt_sigqueueinfo,
    SYS_sigaltstack,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_getpid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getpgid,
    SYS_getsid,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrlimit,
    SYS_prlimit64,
    SYS_getrusage,
    SYS_times,
    SYS_prctl,
};

/* What neither ever does: it is told so.  To all else the kernel seems older than the call, and libraries go on
 * without. */
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
enum {
    FORBIDDEN = sizeof(forbidden) / sizeof(forbidden[0]),
    ALLOWED = sizeof(allowed) / sizeof(allowed[0]),
    X32_BIT = 0x40000000,
};

struct program {
    struct sock_filter lines[2 * (FORBIDDEN + ALLOWED) + 8];
    unsigned short count;
};

static void put(struct program *p, struct sock_filter line)
{
    p->lines[p->count++] = line;
}

static void put_load(struct program *p, size_t offset)
{
    put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void put_answer(struct program *p, uint32_t what)
{
    put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

/* Where the comparison does not hold the next line is skipped. */
static void put_if(struct program *p, uint16_t comparison, uint32_t value)
{
    put(p, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | comparison | BPF_K), value, 0, 1));
}

static void put_calls(struct program *p, const int *calls, size_t count, uint32_t answer)
{
    for (size_t i = 0; i < count; i++) {
        put_if(p, BPF_JEQ, (uint32_t)calls[i]);
        put_answer(p, answer);
    }
}

static int filter_calls(enum confine_mode mode)
{
    struct program p = {.count = 0};
    put_load(&p, offsetof(struct seccomp_data, arch));
    put(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0));
    put_answer(&p, SECCOMP_RET_KILL_PROCESS);
    put_load(&p, offsetof(struct seccomp_data, nr));
    put_if(&p, BPF_JGE, X32_BIT);
    put_answer(&p, SECCOMP_RET_ERRNO | EPERM);
    put_calls(&p, allowed, ALLOWED, SECCOMP_RET_ALLOW);
    put_calls(&p, forbidden, FORBIDDEN, SECCOMP_RET_ERRNO | EPERM);
    put_answer(&p, SECCOMP_RET_ERRNO | ENOSYS);
    struct sock_fprog program = {.len = p.count, .filter = p.lines};
    unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | (mode == CONFINE_LOGGED ? SECCOMP_FILTER_FLAG_LOG : 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

enum err confine_process(enum confine_mode mode, const char **missing)
{
    const struct rlimit none = {0, 0};
    const char *what = NULL;
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        what = "memory that is not dumped";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        what = "no new privileges";
    else if (OUR_ARCH == 0 || filter_calls(mode) != 0)
        what = "seccomp";
    if (!what)
        return ERR_OK;
    *missing = what;
    return ERR_IO;
}
