//! Taking programs and maps out of the loaded object, and why the kernel refuses it.

use std::io;

use aya::maps::{Map, MapError};
use aya::programs::{Program, ProgramError};
use aya::{Ebpf, EbpfError};
use thiserror::Error;

use super::btf::{BtfError, VMLINUX};

/// Why the kernel side is unavailable.
#[derive(Debug, Error)]
pub(crate) enum Refused {
    /// The kernel publishes no type information.
    #[error(
        "cannot read `{VMLINUX}`: {0}; the `proven` level needs a kernel built with CONFIG_DEBUG_INFO_BTF"
    )]
    NoBtf(io::Error),
    /// The type information is malformed or lacks a field.
    #[error("{0}; this kernel is not supported by the `proven` level")]
    Layout(#[from] BtfError),
    /// A program does not load.
    #[error("the kernel refuses the program `{program}`: {}{}", chain(.error), hint(.error))]
    Program {
        /// Which one.
        program: &'static str,
        /// What the kernel said.
        error: ProgramError,
    },
    /// The object does not load.
    #[error(
        "the kernel refuses claw's maps: {0}; run claw as root (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)"
    )]
    Object(#[from] EbpfError),
    /// A map refuses a value that it must hold.
    #[error("cannot fill the map `{map}`: {}", chain(.error))]
    Map {
        /// Which one.
        map: &'static str,
        /// What the kernel said.
        error: MapError,
    },
    /// The connect rules of a policy do not fit.
    #[error("the connect rules take more port ranges than fit")]
    TooManyRanges,
    /// A descriptor cannot be duplicated.
    #[error("cannot duplicate a descriptor of the kernel side's: {0}")]
    Descriptor(#[from] io::Error),
    /// The object lacks something that this code expects, because the two were built from different trees.
    #[error("the embedded eBPF object has no `{0}`; build it again with `cargo xtask ebpf`")]
    Missing(&'static str),
}

/// An error with all of its causes: the last one is what the kernel said.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What to do about a refusal that is about permission.
fn hint(error: &ProgramError) -> &'static str {
    let denied = match error {
        ProgramError::LoadError { io_error, .. } => io_error.raw_os_error() == Some(libc::EPERM),
        ProgramError::SyscallError(error) => error.io_error.raw_os_error() == Some(libc::EPERM),
        _ => false,
    };
    if denied { "; run claw as root (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)" } else { "" }
}

pub(super) fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, Refused>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    ebpf.program_mut(name)
        .ok_or(Refused::Missing(name))?
        .try_into()
        .map_err(|error| Refused::Program { program: name, error })
}

pub(super) fn map<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &'static str,
) -> Result<M, Refused> {
    let map = ebpf.take_map(name).ok_or(Refused::Missing(name))?;
    M::try_from(map).map_err(|error| Refused::Map { map: name, error })
}
