//! The calls of the system a parse worker may make (seccomp, on Linux): a list of those that
//! reading a document and running tesseract need. Everything else is refused as if it were
//! not permitted, above all every kind of socket, tracing and mapping of other processes,
//! new namespaces, mounts, keys, BPF and io_uring: most flaws of kernels that are used to get
//! out of a confined process were in those.
//!
//! A refusal is an error the program sees, not its death: a library that tries something
//! optional goes on without.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn filter() -> std::io::Result<bool> {
    Ok(false)
}

/// Filters the calls of the calling thread and of all it will start. `false`: the system
/// does not know how.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn filter() -> std::io::Result<bool> {
    linux::filter()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::collections::BTreeMap;
    use std::io;

    use seccompiler::{
        BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch, apply_filter,
    };

    #[cfg(target_arch = "x86_64")]
    const HERE: TargetArch = TargetArch::x86_64;
    #[cfg(target_arch = "aarch64")]
    const HERE: TargetArch = TargetArch::aarch64;

    /// Flags of `clone` that make namespaces.
    const NAMESPACES: u64 = 0x7e02_0080;

    const CALLS: &[i64] = &[
        // Memory.
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_mincore,
        libc::SYS_membarrier,
        // Files that are open, and opening what Landlock lets be opened.
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_preadv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_pwrite64,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_close_range,
        libc::SYS_openat,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_statfs,
        libc::SYS_fstatfs,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_getcwd,
        libc::SYS_fadvise64,
        libc::SYS_fcntl,
        libc::SYS_ioctl,
        libc::SYS_dup,
        libc::SYS_dup3,
        libc::SYS_pipe2,
        libc::SYS_ppoll,
        libc::SYS_pselect6,
        // Threads, and the one program.
        libc::SYS_clone3,
        libc::SYS_execve,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_wait4,
        libc::SYS_waitid,
        libc::SYS_kill,
        libc::SYS_tgkill,
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_get_robust_list,
        libc::SYS_set_tid_address,
        libc::SYS_rseq,
        libc::SYS_prctl,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_getparam,
        libc::SYS_sched_getscheduler,
        libc::SYS_setpgid,
        libc::SYS_setsid,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        // Time, limits, who one is.
        libc::SYS_nanosleep,
        libc::SYS_clock_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_gettimeofday,
        libc::SYS_times,
        libc::SYS_getrusage,
        libc::SYS_getrlimit,
        libc::SYS_setrlimit,
        libc::SYS_prlimit64,
        libc::SYS_uname,
        libc::SYS_sysinfo,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_getppid,
        libc::SYS_gettid,
        libc::SYS_getpgid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_getgroups,
    ];

    /// Older forms of the same, which only this processor has.
    #[cfg(target_arch = "x86_64")]
    const OLDER: &[i64] = &[
        libc::SYS_open,
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_readlink,
        libc::SYS_getdents,
        libc::SYS_dup2,
        libc::SYS_pipe,
        libc::SYS_poll,
        libc::SYS_select,
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_arch_prctl,
        libc::SYS_time,
        libc::SYS_getpgrp,
    ];
    #[cfg(target_arch = "aarch64")]
    const OLDER: &[i64] = &[];

    pub(super) fn filter() -> io::Result<bool> {
        let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
        // Its flags are in memory, where a filter cannot look; told that it is not there, the C
        // library takes `clone`, whose flags can be looked at.
        let no_clone3: BTreeMap<i64, Vec<SeccompRule>> = [(libc::SYS_clone3, Vec::new())].into();
        let first = build(no_clone3, SeccompAction::Allow, errno(libc::ENOSYS))?;
        let mut allowed: BTreeMap<i64, Vec<SeccompRule>> = CALLS
            .iter()
            .chain(OLDER)
            .map(|call| (*call, Vec::new()))
            .collect();
        let no_namespace =
            SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(NAMESPACES), 0)
                .and_then(|condition| SeccompRule::new(vec![condition]))
                .map_err(io::Error::other)?;
        allowed.insert(libc::SYS_clone, vec![no_namespace]);
        let second = build(allowed, errno(libc::EPERM), SeccompAction::Allow)?;
        for program in [first, second] {
            match apply_filter(&program) {
                Ok(()) => {}
                // A kernel without filters.
                Err(Error::Prctl(error) | Error::Seccomp(error))
                    if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) =>
                {
                    return Ok(false);
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(true)
    }

    fn build(
        rules: BTreeMap<i64, Vec<SeccompRule>>,
        otherwise: SeccompAction,
        listed: SeccompAction,
    ) -> io::Result<BpfProgram> {
        SeccompFilter::new(rules, otherwise, listed, HERE)
            .and_then(TryInto::try_into)
            .map_err(io::Error::other)
    }
}
