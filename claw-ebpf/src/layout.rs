//! The offsets of the fields that the programs read, which the loader found in the kernel's BTF, and the
//! read-only settings of one host.

use aya_ebpf::{Global, helpers::bpf_probe_read_kernel};

macro_rules! globals {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub(crate) static $name: Global<$type> = Global::new(0);
    )*};
}

globals! {
    /// `task_struct.mm`.
    TASK_MM: u64;
    /// `task_struct.active_mm`.
    TASK_ACTIVE_MM: u64;
    /// `task_struct.ptraced`, the list of its tracees.
    TASK_PTRACED: u64;
    /// `task_struct.ptrace_entry`, the place in that list.
    TASK_PTRACE_ENTRY: u64;
    /// `task_struct.pid`.
    TASK_PID: u64;
    /// `task_struct.tgid`.
    TASK_TGID: u64;
    /// `task_struct.fs`.
    TASK_FS: u64;
    /// `task_struct.signal`.
    TASK_SIGNAL: u64;
    /// `signal_struct.live`.
    SIGNAL_LIVE: u64;
    /// `mm_struct.arg_start`.
    MM_ARG_START: u64;
    /// `mm_struct.arg_end`.
    MM_ARG_END: u64;
    /// `mm_struct.env_end`; the environment starts where the arguments end.
    MM_ENV_END: u64;
    /// `mm_struct.mm_users`.
    MM_USERS: u64;
    /// `mm_struct.mm_count`.
    MM_COUNT: u64;
    /// `mm_struct.flags`.
    MM_FLAGS: u64;
    /// `mm_struct.exe_file`.
    MM_EXE_FILE: u64;
    /// `file.f_inode`.
    FILE_INODE: u64;
    /// `inode.i_ino`.
    INODE_INO: u64;
    /// `inode.i_sb`.
    INODE_SB: u64;
    /// `super_block.s_dev`.
    SB_DEV: u64;
    /// `fs_struct.users`, how many processes share it.
    FS_USERS: u64;
    /// `fs_struct.pwd`, the working directory.
    FS_PWD: u64;
    /// `path.mnt`.
    PATH_MNT: u64;
    /// `path.dentry`.
    PATH_DENTRY: u64;
    /// `dentry.d_inode`.
    DENTRY_INODE: u64;
    /// `mount.mnt`, which is what a path points to.
    MOUNT_MNT: u64;
    /// `mount.mnt_id`.
    MOUNT_ID: u64;
    /// `linux_binprm.filename`.
    BPRM_FILENAME: u64;
    /// `linux_binprm.file`.
    BPRM_FILE: u64;
    /// `linux_binprm.p`, the lower end of the strings so far.
    BPRM_P: u64;
    /// `linux_binprm.exec`, the upper end of the environment.
    BPRM_EXEC: u64;
    /// `linux_binprm.buf`, the file's first bytes.
    BPRM_BUF: u64;
    /// First half of the key of the tickets.
    KEY_0: u64;
    /// Second half of the key of the tickets.
    KEY_1: u64;
    /// How many sessions can be guarded at a time, a power of two.
    ROOM: u32;
}

/// Reads the field at `offset` of the kernel object at `base`; `None` if the address faults.
#[inline(always)]
pub(crate) fn field<T>(base: u64, offset: &Global<u64>) -> Option<T> {
    let at = base.wrapping_add(offset.load()) as *const T;
    // SAFETY: the helper copies from any kernel address and returns an error where it faults; `T` is
    // an integer at every call.
    unsafe { bpf_probe_read_kernel(at) }.ok()
}
