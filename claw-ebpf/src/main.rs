//! The kernel side of claw: the proof that what runs is what was judged, the lineage of guarded
//! processes, and the decision on connections.
//!
//! Each module mirrors one of the same name on the user side. Every required program is a BTF tracepoint or a
//! cgroup socket-address program, because those load on hosts that refuse kprobes, fentry and LSM programs;
//! [`lsm`] is optional. No kernel layout is compiled in: the loader reads offsets from the running kernel's
//! BTF and sets them in [`layout`].

#![no_std]
#![no_main]

mod connect;
mod events;
mod exec;
mod holders;
mod layout;
mod lineage;
mod lsm;
mod sessions;
mod tickets;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier rejects a program that can reach this; the loop is what the language asks for.
    loop {}
}

/// Helpers such as `bpf_probe_read_user` are for GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
