//! Everything a verdict may depend on, copied out of the tracee once.
//!
//! Input: a notification. Output: a [`Snapshot`], or the errno that the kernel would have given. After this
//! nothing reads the call's memory in the tracee again.

mod content;
mod identity;
mod image;
mod landing;
mod memory;
mod path;
mod proc;
mod shortage;
pub(crate) mod socket;
mod strings;
mod tools;
pub(crate) mod unix;
mod working_directory;

use std::os::fd::AsFd;
use std::sync::Arc;

use claw_classify::Meant;
use claw_policy::{Name, Policy};
use rustix::fs::AtFlags;
use rustix::io::Errno;
use rustix::process::Pid;

pub(crate) use content::{Contents, Found};
pub(crate) use identity::{Devices, Identity};
pub(crate) use image::{Image, Kinds, Program};
pub(crate) use path::last_name;
pub(crate) use shortage::is_shortage;
pub(crate) use strings::Strings;
use tools::Installed;
pub(crate) use tools::Tools;
pub(crate) use unix::real_folder;
pub(crate) use working_directory::WorkingDirectory;

use crate::intercept::{Exec, Notification};
use crate::sys::process::leads_its_process;
use path::{Base, Resolved, View};

/// One exec, as it was when it was held.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The thread that called.
    pub(crate) tid: Pid,
    /// Its process.
    pub(crate) process: Pid,
    /// The user it runs as: the owner of its directory in procfs, which stays the effective user for a
    /// process that may not be dumped (`task_dump_owner` in fs/proc/base.c).
    pub(crate) uid: Option<u32>,
    /// The image that the kernel will build.
    pub(crate) image: Image,
    /// The environment of the new image.
    pub(crate) env: Strings,
    /// The caller's working directory; `None` if it is unknown, or if no program in the chain is a tool.
    pub(crate) working_directory: Option<WorkingDirectory>,
    /// The caller's working directory where the kernel proof does not cover it.
    pub(crate) unproven_directory: Option<Vec<u8>>,
    /// The folder that the session works in; `None` if it has none.
    pub(crate) start: Option<Arc<[u8]>>,
    /// The tool whose image makes the call; nothing if it is another program's, or if no program on the way is a tool.
    pub(crate) caller: Option<Name>,
}

/// Why there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSnapshot {
    /// The call fails with this errno, as it would have unguarded.
    Errno(Errno),
    /// The tracee is gone, so there is no call to answer.
    Gone,
}

/// What decoding remembers from call to call, for all sessions.
#[derive(Debug)]
pub(crate) struct Decoder {
    kinds: Kinds,
    devices: Devices,
    installed: Arc<Installed>,
}

impl Decoder {
    /// A decoder that knows the tools installed now.
    ///
    /// # Errors
    /// A shortage of this process.
    pub(crate) fn new() -> Result<Self, Errno> {
        let devices = Devices::default();
        let installed = Arc::new(Installed::look(&devices)?);
        Ok(Self { kinds: Kinds::default(), devices, installed })
    }

    /// The tools that `policy` names, as installed now.
    ///
    /// # Errors
    /// A shortage of this process.
    pub(crate) fn tools(&self, policy: &Policy) -> Result<Tools, Errno> {
        Tools::of(policy, &self.installed, &self.devices)
    }

    /// Copies the held call `exec` out of its tracee.
    ///
    /// # Errors
    /// [`NoSnapshot`].
    pub(crate) fn snapshot(
        &self,
        notification: &Notification,
        exec: &Exec,
        tools: &Tools,
    ) -> Result<Snapshot, NoSnapshot> {
        let result = self.read(notification.tid, exec, tools);
        // What was read counts only if the tracee is still held now.
        if !notification.is_valid() {
            return Err(NoSnapshot::Gone);
        }
        result.map_err(NoSnapshot::Errno)
    }

    /// The path of the program that a process runs, if that is still the file `identity`.
    pub(crate) fn running_path(&self, process: Pid, identity: Identity) -> Option<Vec<u8>> {
        let exe = View::of(process).running()?;
        let stat = self.devices.stat(exe.file.as_fd(), process).ok()?;
        (stat.identity == identity).then_some(exe.path)
    }

    /// The working directory that `process` has right now, where a path leads to it.
    pub(crate) fn working_directory(&self, process: Pid) -> Option<WorkingDirectory> {
        WorkingDirectory::of(process, &self.devices).ok().flatten()
    }

    /// Whether a file is this machine's own shell.
    pub(crate) fn is_shell(&self, file: Identity) -> bool {
        self.installed.is_shell(file)
    }

    /// Whether `process` runs the file `identity` right now.
    pub(crate) fn runs(&self, process: Pid, identity: Identity) -> bool {
        let exe = View::of(process).own("exe");
        let stat = exe.and_then(|exe| self.devices.stat(exe.as_fd(), process));
        stat.is_ok_and(|stat| stat.identity == identity)
    }

    /// The tool whose image the thread runs. Every exec of the tree is judged, so whoever runs this image became the tool
    /// by a call that was allowed, or was forked from one that did. A fork of another program runs that other image.
    fn caller(&self, tid: Pid) -> Result<Option<Name>, Errno> {
        let stat = View::of(tid).own("exe").and_then(|exe| self.devices.stat(exe.as_fd(), tid));
        let stat = shortage::unless_short(stat)?;
        Ok(stat.and_then(|stat| self.installed.speaker(stat.identity)))
    }

    /// Reads in the kernel's order, so that the first error is the one that the kernel would give.
    fn read(&self, tid: Pid, exec: &Exec, tools: &Tools) -> Result<Snapshot, Errno> {
        let path = memory::path(tid, exec.path)?;
        let (resolved, called) = resolve(tid, exec, path)?;
        let [argv, env] = memory::lists(tid, [exec.argv, exec.envp])?;
        if argv.area().len() + env.area().len() > memory::MAX_AREA {
            return Err(Errno::TOOBIG);
        }
        let Self { kinds, devices, .. } = self;
        let files = image::Files { kinds, devices, tools };
        let image = image::follow(tid, resolved, called, argv, &files)?;
        let is_tool = |program: &Program| {
            let names: Vec<&[u8]> = program.names.iter().map(Vec::as_slice).collect();
            !matches!(tools.meant(&names), Meant::Nothing)
        };
        let (working_directory, caller) = if image.programs.iter().any(is_tool) {
            (WorkingDirectory::of(tid, devices)?, self.caller(tid)?)
        } else {
            (None, None)
        };
        let (process, uid) = (process(tid), uid(tid));
        Ok(Snapshot {
            tid,
            process,
            uid,
            image,
            env,
            working_directory,
            unproven_directory: None,
            start: None,
            caller,
        })
    }
}

/// The user a thread runs as: the owner of its directory in procfs.
pub(crate) fn uid(tid: Pid) -> Option<u32> {
    let number = tid.as_raw_nonzero().to_string();
    let stat = rustix::fs::statat(proc::root().ok()?, number, AtFlags::empty()).ok()?;
    Some(stat.st_uid)
}

/// The process of a thread.
pub(crate) fn process(tid: Pid) -> Pid {
    if leads_its_process(tid) {
        return tid;
    }
    let status = procfs::process::Process::new(tid.as_raw_nonzero().get()).and_then(|p| p.status());
    status.ok().and_then(|status| Pid::from_raw(status.tgid)).unwrap_or(tid)
}

/// The file, and its path as the kernel would name it to an interpreter: `bprm->filename`.
fn resolve(tid: Pid, exec: &Exec, path: Vec<u8>) -> Result<(Resolved, Vec<u8>), Errno> {
    let view = View::of(tid);
    let Some(at) = exec.at else {
        return Ok((view.resolve(Base::Cwd, &path)?, path));
    };
    if at.flags & !(libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW) != 0 {
        return Err(Errno::INVAL);
    }
    if path.is_empty() && at.flags & libc::AT_EMPTY_PATH != 0 {
        if at.dirfd == libc::AT_FDCWD {
            return Err(Errno::ACCESS);
        }
        let called = format!("/dev/fd/{}", at.dirfd).into_bytes();
        return Ok((view.descriptor(at.dirfd)?, called));
    }
    let base = match at.dirfd {
        libc::AT_FDCWD => Base::Cwd,
        number => Base::Descriptor(number),
    };
    let resolved = if at.flags & libc::AT_SYMLINK_NOFOLLOW == 0 {
        view.resolve(base, &path)?
    } else {
        view.resolve_no_link(base, &path)?
    };
    let called = if base == Base::Cwd || path.starts_with(b"/") {
        path
    } else {
        [format!("/dev/fd/{}/", at.dirfd).as_bytes(), &path].concat()
    };
    Ok((resolved, called))
}
