//! What depends on the processor: registers and the few instructions of a denial.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{ELF_MACHINE, Registers, call_and_trap, exit_with_message};

#[cfg(not(target_arch = "x86_64"))]
compile_error!("claw runs on x86_64; another processor needs its own file in src/sys/arch");
