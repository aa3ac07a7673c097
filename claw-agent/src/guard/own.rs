//! claw's own processes, which guarded processes may not signal, limit, reprioritise or open.
//!
//! For every other target the kernel's own permissions apply. Two cases are stricter than the kernel:
//! kill(-1), and setpriority(2) and ioprio_set(2) on all processes of a user, are refused to a caller in the
//! supervisor's pid namespace.
//!
//! The front is in the command's own process group, as the terminal's job control needs it: a signal to
//! that whole group reaches it too, as it does the members of any job.

mod descriptor;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};

use crate::intercept::{Notification, Target};
use crate::sys::process::is_thread_of;
use crate::sys::seccomp::Answer;

/// claw's own processes.
#[derive(Debug)]
pub(crate) struct OwnProcesses {
    supervisor: Pid,
    front: Pid,
    /// The supervisor's pid namespace, as the link `/proc/PID/ns/pid` names it.
    namespace: OsString,
    /// The device and inode of claw's own file.
    file: (u64, u64),
}

/// What to do with a call.
pub(crate) enum Ruling {
    /// Let the kernel run it.
    Run,
    /// Answer it here.
    Answer(Answer),
    /// Refuse it, because it would have reached this target.
    Refuse(&'static str),
}

impl OwnProcesses {
    /// The calling process as the supervisor, and its front.
    ///
    /// # Errors
    /// If procfs does not show this process.
    pub(crate) fn new(front: Pid) -> io::Result<Self> {
        let file = fs::metadata("/proc/self/exe")?;
        Ok(Self {
            supervisor: getpid(),
            front,
            namespace: fs::read_link("/proc/self/ns/pid")?.into(),
            file: (file.dev(), file.ino()),
        })
    }

    /// Each of them.
    pub(crate) fn all(&self) -> [Pid; 2] {
        [self.supervisor, self.front]
    }

    /// What to do with a held call that acts on `target`.
    pub(crate) fn rule(&self, notification: &Notification, target: Target) -> Ruling {
        match target {
            Target::Process(number) => self.process(notification, number),
            Target::Group(number) if number == self.front.as_raw_nonzero().get() => Ruling::Run,
            Target::Group(number) => match Pid::from_raw(number).and_then(|pid| self.named(pid)) {
                Some(whom) if self.shares_numbers(notification.tid) => Ruling::Refuse(whom),
                _ => Ruling::Run,
            },
            Target::Everybody if self.shares_numbers(notification.tid) => {
                Ruling::Refuse("every process it may, the guard's too")
            }
            Target::Everybody => Ruling::Run,
            Target::Descriptor(sent) => descriptor::send(self, notification, sent),
        }
    }

    fn process(&self, notification: &Notification, number: i32) -> Ruling {
        // 0 and negative numbers mean the caller, or are an error in the kernel.
        let Some(pid) = Pid::from_raw(number).filter(|_| number > 0) else { return Ruling::Run };
        let named = self.named(pid);
        if named.is_none() && test_kill_process(pid) != Err(Errno::SRCH) {
            return Ruling::Run;
        }
        // In a child pid namespace no number leads to claw's processes.
        if !self.shares_numbers(notification.tid) {
            return Ruling::Run;
        }
        // The supervisor's next thread could get a free number, so a call on one is not continued.
        named.map_or(Ruling::Answer(Answer::Errno(libc::ESRCH)), Ruling::Refuse)
    }

    /// Which of claw's processes a number of the supervisor's pid namespace means.
    fn named(&self, pid: Pid) -> Option<&'static str> {
        if is_thread_of(self.supervisor, pid) {
            return Some("the supervisor");
        }
        if is_thread_of(self.front, pid) {
            return Some("the front of its session");
        }
        // If procfs hides the file, the caller lacks the kernel's own permission as well.
        let file = fs::metadata(format!("/proc/{}/exe", pid.as_raw_nonzero())).ok()?;
        ((file.dev(), file.ino()) == self.file).then_some("another process of claw's")
    }

    /// Whether `tid` is in the supervisor's pid namespace. `true` if that cannot be read.
    fn shares_numbers(&self, tid: Pid) -> bool {
        let namespace = fs::read_link(format!("/proc/{}/ns/pid", tid.as_raw_nonzero()));
        namespace.map_or(true, |namespace| *namespace == *self.namespace)
    }
}
