//! The seccomp filter: execve and execveat are held, closed side doors fail with EPERM, everything
//! else runs. Where no kernel side decides connections, every call that may name an address is held too.
//!
//! Built with libseccomp, loaded with seccomp(2), because libseccomp before 2.6 cannot ask for
//! WAIT_KILLABLE_RECV. A call of another architecture, x32 included, ends the process: it would be
//! numbered differently and pass unseen.

use std::io::{Read, Seek};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use claw_policy::Door;
use libseccomp::{ScmpAction, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall};

use crate::sys::seccomp;

/// Which argument of sendto(2) is the address, from 0.
const SENDTO_ADDRESS: u32 = 4;

/// Puts the calling thread, and whatever it becomes and starts, under the filter.
///
/// # Errors
/// What is missing, in one line.
pub(crate) fn install(closed: impl Iterator<Item = Door>, sockets: bool) -> Result<OwnedFd> {
    let program = program(closed, sockets).context("cannot build the seccomp filter")?;
    rustix::thread::set_no_new_privs(true).context("cannot set no_new_privs")?;
    seccomp::load(&program).map_err(|error| {
        let what = match error.raw_os_error() {
            Some(libc::EBUSY) => {
                "this process is under a seccomp filter with a listener already, and the kernel allows one: do not nest `claw run`"
            }
            Some(libc::EINVAL) => {
                "this kernel lacks SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: claw needs Linux 5.19 or later"
            }
            _ => "cannot load the seccomp filter",
        };
        anyhow::Error::new(error).context(what)
    })
}

fn program(closed: impl Iterator<Item = Door>, sockets: bool) -> Result<Vec<u8>> {
    let mut filter = ScmpFilterContext::new(ScmpAction::Allow)?;
    filter.set_act_badarch(ScmpAction::KillProcess)?;
    for name in ["execve", "execveat"] {
        filter.add_rule(ScmpAction::Notify, ScmpSyscall::from_name(name)?)?;
    }
    if sockets {
        for name in ["connect", "sendmsg", "sendmmsg"] {
            filter.add_rule(ScmpAction::Notify, ScmpSyscall::from_name(name)?)?;
        }
        // Without an address it is send(2), and register values do not change behind the filter's back.
        let addressed = ScmpArgCompare::new(SENDTO_ADDRESS, ScmpCompareOp::NotEqual, 0);
        let sendto = ScmpSyscall::from_name("sendto")?;
        filter.add_rule_conditional(ScmpAction::Notify, sendto, &[addressed])?;
    }
    for name in closed.flat_map(Door::system_calls) {
        filter.add_rule(ScmpAction::Errno(libc::EPERM), ScmpSyscall::from_name(name)?)?;
    }
    let memory = rustix::fs::memfd_create(c"claw-filter", rustix::fs::MemfdFlags::CLOEXEC)?;
    filter.export_bpf(&memory)?;
    let mut program = Vec::new();
    let mut file = std::fs::File::from(memory);
    file.rewind()?;
    file.read_to_end(&mut program)?;
    Ok(program)
}
