//! What depends on the processor: registers and the few instructions that are put into a stopped image.

#[cfg(any(target_arch = "aarch64", test))]
#[cfg_attr(not(target_arch = "aarch64"), expect(dead_code, reason = "only its tests run here"))]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{CALL, ELF_MACHINE, Registers, exit_with_message};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{CALL, ELF_MACHINE, Registers, exit_with_message};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("claw runs on x86_64; another processor needs its own file in src/sys/arch");
