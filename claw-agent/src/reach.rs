//! The walk of one held call that reaches for another process: whom it means, whether that is the guard,
//! the answer, and a record where it was the guard.
//!
//! No policy decides here: nobody guarded signals, limits, reprioritises or opens the supervisor and the
//! front. Everybody else's permission stays the kernel's matter. Two calls are coarser than the kernel's:
//! kill(-1), and setpriority(2) and ioprio_set(2) of all of a user's processes, are refused to a caller in
//! the supervisor's pid namespace.
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

use crate::apply::Proof;
use crate::intercept::{Notification, Reach, Target};
use crate::record::{Entry, What};
use crate::session::Guard;
use crate::sys::process::is_thread_of;
use crate::sys::seccomp::Answer;

/// The processes that nobody guarded may reach for.
#[derive(Debug)]
pub(crate) struct Own {
    supervisor: Pid,
    front: Pid,
    /// What `/proc/PID/ns/pid` of the supervisor says.
    namespace: OsString,
    /// The device and inode of claw's own file.
    file: (u64, u64),
}

/// What becomes of a call.
enum Ruling {
    /// The kernel goes on with it.
    Run,
    /// It is answered here.
    Answer(Answer),
    /// It fails, because this is whom it would have reached.
    Refuse(&'static str),
}

/// Judges a held call that reaches for another process, and answers it.
pub(crate) fn answer(guard: &Guard, notification: &Notification, reach: Reach) {
    let in_flight = guard.in_flight();
    let refused = match guard.own.rule(notification, reach.target) {
        // TOCTOU: whom the call means is in a register. A number that was somebody else's a moment ago
        // cannot be one of the guard's threads now: numbers come round only after all the others.
        Ruling::Run => {
            notification.answer(Answer::Continue);
            return;
        }
        Ruling::Answer(answer) => {
            notification.answer(answer);
            return;
        }
        Ruling::Refuse(whom) => whom,
    };
    let pid = notification.tid.as_raw_nonzero().get();
    let uid = fs::metadata(format!("/proc/{pid}")).ok().map(|directory| directory.uid());
    // Recorded first: what the caller does next stands behind it.
    guard.audit.record_refusal(Entry {
        verdict: Some(claw_policy::Verdict::Deny),
        pid: Some(pid),
        uid,
        ..Entry::new(
            What::Tamper,
            guard.level,
            Proof::Answered,
            format!("`{}` would have reached {refused}", reach.name),
        )
    });
    notification.answer(Answer::Errno(libc::EPERM));
    drop(in_flight);
}

impl Own {
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

    fn rule(&self, notification: &Notification, target: Target) -> Ruling {
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
        // What is no process's number means the caller, or is an error.
        let Some(pid) = Pid::from_raw(number).filter(|_| number > 0) else { return Ruling::Run };
        let named = self.named(pid);
        if named.is_none() && test_kill_process(pid) != Err(Errno::SRCH) {
            return Ruling::Run;
        }
        // From a pid namespace below, no number leads to the guard.
        if !self.shares_numbers(notification.tid) {
            return Ruling::Run;
        }
        // A number that is free could be the next thread's of the supervisor: such a call does not go on.
        named.map_or(Ruling::Answer(Answer::Errno(libc::ESRCH)), Ruling::Refuse)
    }

    /// Whom of claw's a number of the supervisor's pid namespace means.
    fn named(&self, pid: Pid) -> Option<&'static str> {
        if is_thread_of(self.supervisor, pid) {
            return Some("the supervisor");
        }
        if is_thread_of(self.front, pid) {
            return Some("the front of its session");
        }
        // Where procfs does not tell, the kernel's own permissions are in the way.
        let file = fs::metadata(format!("/proc/{}/exe", pid.as_raw_nonzero())).ok()?;
        ((file.dev(), file.ino()) == self.file).then_some("another process of claw's")
    }

    /// Whether numbers mean the same to `tid` as to the supervisor; so it is where that cannot be told.
    fn shares_numbers(&self, tid: Pid) -> bool {
        let namespace = fs::read_link(format!("/proc/{}/ns/pid", tid.as_raw_nonzero()));
        namespace.map_or(true, |namespace| *namespace == *self.namespace)
    }
}
