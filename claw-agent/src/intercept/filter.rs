//! The seccomp filter. It holds execve, execveat and calls that act on another process, fails calls behind
//! closed side doors with EPERM, and lets everything else run. Without a kernel side that decides
//! connections, it also holds every call that may name an address.
//!
//! Built with libseccomp, loaded with seccomp(2), because libseccomp before 2.6 cannot ask for
//! WAIT_KILLABLE_RECV. A call of another architecture, including x32, kills the process, because its numbers
//! differ and the filter would misread them.

use std::io::{Read, Seek};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use claw_policy::Door;
use libseccomp::{ScmpAction, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall};
use rustix::process::Pid;

use super::doors::{self, Shut};
use super::reach::{HELD, When};
use crate::sys::seccomp;

/// Which argument of sendto(2) is the address, from 0.
const SENDTO_ADDRESS: u32 = 4;
/// The low half of an argument: the kernel ignores the rest of a process number, a descriptor or a command.
const LOW_HALF: u64 = 0xffff_ffff;

/// Puts the calling thread, and everything it executes or starts, under the filter. `own` are claw's own
/// processes, numbered as the caller's pid namespace does.
///
/// # Errors
/// What is missing.
pub(crate) fn install(
    closed: impl Iterator<Item = Door>,
    sockets: bool,
    own: &[Pid],
) -> Result<OwnedFd> {
    let program = program(closed, sockets, own).context("cannot build the seccomp filter")?;
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

fn program(closed: impl Iterator<Item = Door>, sockets: bool, own: &[Pid]) -> Result<Vec<u8>> {
    let mut filter = ScmpFilterContext::new(ScmpAction::Allow)?;
    filter.set_act_badarch(ScmpAction::KillProcess)?;
    // Optimisation 2: a search tree over the numbers instead of a list.
    filter.set_ctl_optimize(2)?;
    for name in ["execve", "execveat"] {
        filter.add_rule(ScmpAction::Notify, ScmpSyscall::from_name(name)?)?;
    }
    if sockets {
        for name in ["connect", "sendmsg", "sendmmsg"] {
            filter.add_rule(ScmpAction::Notify, ScmpSyscall::from_name(name)?)?;
        }
        // Without an address it is send(2). The address argument is in a register, which cannot change after
        // the filter has read it.
        let addressed = ScmpArgCompare::new(SENDTO_ADDRESS, ScmpCompareOp::NotEqual, 0);
        let sendto = ScmpSyscall::from_name("sendto")?;
        filter.add_rule_conditional(ScmpAction::Notify, sendto, &[addressed])?;
    }
    for (name, when) in HELD {
        hold(&mut filter, name, when, own)?;
    }
    for shut in doors::ALWAYS.iter().chain(closed.flat_map(doors::behind)) {
        close(&mut filter, shut)?;
    }
    let memory = rustix::fs::memfd_create(c"claw-filter", rustix::fs::MemfdFlags::CLOEXEC)?;
    filter.export_bpf(&memory)?;
    let mut program = Vec::new();
    let mut file = std::fs::File::from(memory);
    file.rewind()?;
    file.read_to_end(&mut program)?;
    Ok(program)
}

fn hold(filter: &mut ScmpFilterContext, name: &str, when: When, own: &[Pid]) -> Result<()> {
    let call = ScmpSyscall::from_name(name)?;
    let mut rule = |conditions: &[ScmpArgCompare]| {
        filter.add_rule_conditional(ScmpAction::Notify, call, conditions).map(drop)
    };
    let is = |argument, value: u64| {
        ScmpArgCompare::new(argument, ScmpCompareOp::MaskedEqual(LOW_HALF), value)
    };
    match when {
        When::Always => rule(&[])?,
        // The whole argument is compared. A value that differs only in its high half is held too, which does
        // no harm.
        When::Unless(argument, value) => {
            rule(&[ScmpArgCompare::new(argument, ScmpCompareOp::NotEqual, value)])?;
        }
        When::IfOwn(argument) => {
            for pid in own {
                rule(&[is(argument, u64::from(pid.as_raw_nonzero().get().unsigned_abs()))])?;
            }
        }
        When::If(argument, value) => {
            let next = ScmpArgCompare::new(argument + 1, ScmpCompareOp::NotEqual, 0);
            rule(&[is(argument, value.into()), next])?;
        }
    }
    Ok(())
}

/// The bits of socket(2)'s second argument that are its type, include/linux/net.h.
const SOCK_TYPE_MASK: u64 = 0xf;

fn close(filter: &mut ScmpFilterContext, shut: &Shut) -> Result<()> {
    let named = ScmpSyscall::from_name;
    let compare = |argument, how, value: u32| ScmpArgCompare::new(argument, how, value.into());
    let low_half = ScmpCompareOp::MaskedEqual(LOW_HALF);
    let (call, conditions) = match *shut {
        Shut::Call(name) => (named(name)?, vec![]),
        Shut::Number(number) => (ScmpSyscall::from(number), vec![]),
        Shut::If(name, argument, value) => (named(name)?, vec![compare(argument, low_half, value)]),
        // These compare the whole argument. A value that differs only in its high half, which the kernel
        // ignores, is refused too.
        Shut::Unless(name, argument, value) => {
            (named(name)?, vec![compare(argument, ScmpCompareOp::NotEqual, value)])
        }
        Shut::From(name, argument, value) => {
            (named(name)?, vec![compare(argument, ScmpCompareOp::GreaterEqual, value)])
        }
        Shut::Both(name, second, third) => {
            let conditions = vec![compare(1, low_half, second), compare(2, low_half, third)];
            (named(name)?, conditions)
        }
        Shut::OfProtocol { family, kind, mask, bits } => {
            let of_type = compare(1, ScmpCompareOp::MaskedEqual(SOCK_TYPE_MASK), kind);
            let of_protocol = compare(2, ScmpCompareOp::MaskedEqual(mask.into()), bits);
            (named("socket")?, vec![compare(0, low_half, family), of_type, of_protocol])
        }
        Shut::OfType(name, family, kind) => {
            let family = family.map(|family| compare(0, low_half, family));
            let kind = compare(1, ScmpCompareOp::MaskedEqual(SOCK_TYPE_MASK), kind);
            (named(name)?, family.into_iter().chain([kind]).collect())
        }
    };
    filter.add_rule_conditional(ScmpAction::Errno(libc::EPERM), call, &conditions)?;
    Ok(())
}
