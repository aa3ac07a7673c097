//! x86_64, from the System V psABI and arch/x86/include/uapi/asm/ptrace.h.

/// `EM_X86_64`: what an ELF file must say to run here.
pub(crate) const ELF_MACHINE: u16 = 62;

/// `struct user_regs_struct`, as `PTRACE_GETREGSET` with `NT_PRSTATUS` fills it.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Registers {
    before_rip: [u64; 16],
    rip: u64,
    cs: u64,
    eflags: u64,
    rsp: u64,
    after_rsp: [u64; 7],
}

impl Registers {
    /// The stack pointer.
    pub(crate) fn stack(&self) -> u64 {
        self.rsp
    }

    /// The next instruction.
    pub(crate) fn instruction(&self) -> u64 {
        self.rip
    }

    /// With another stack pointer.
    pub(crate) fn with_stack(self, rsp: u64) -> Self {
        Self { rsp, ..self }
    }

    /// What the last system call returned, negative errno where it failed.
    pub(crate) fn result(&self) -> i64 {
        self.before_rip[RAX].cast_signed()
    }

    /// With another next instruction.
    pub(crate) fn with_instruction(self, rip: u64) -> Self {
        Self { rip, ..self }
    }
}

/// Where `rax` stands in `user_regs_struct`.
const RAX: usize = 10;

/// Code that makes one system call and traps, as words to poke.
pub(crate) fn call_and_trap(number: u32, arguments: [u64; 4]) -> Vec<u64> {
    let mut code = Vec::with_capacity(56);
    let loads: [[u8; 2]; 4] = [
        [0x48, 0xbf], // mov rdi, …
        [0x48, 0xbe], // mov rsi, …
        [0x48, 0xba], // mov rdx, …
        [0x49, 0xba], // mov r10, …
    ];
    for (load, argument) in loads.into_iter().zip(arguments) {
        code.extend(load);
        code.extend(argument.to_le_bytes());
    }
    code.push(0xb8); // mov eax, number
    code.extend(number.to_le_bytes());
    code.extend([0x0f, 0x05]); // syscall
    code.push(0xcc); // int3
    words(code)
}

/// Code that writes `len` bytes at `message` to standard error and ends the process with `status`,
/// as words to poke.
pub(crate) fn exit_with_message(message: u64, len: u32, status: u32) -> Vec<u64> {
    let mut code = Vec::with_capacity(48);
    code.extend([0xbf, 2, 0, 0, 0]); // mov edi, 2
    code.extend([0x48, 0xbe]); // mov rsi, message
    code.extend(message.to_le_bytes());
    code.push(0xba); // mov edx, len
    code.extend(len.to_le_bytes());
    code.extend([0xb8, 1, 0, 0, 0]); // mov eax, write
    code.extend([0x0f, 0x05]); // syscall
    code.push(0xbf); // mov edi, status
    code.extend(status.to_le_bytes());
    code.extend([0xb8, 231, 0, 0, 0]); // mov eax, exit_group
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0x0f, 0x0b]); // ud2: never reached
    words(code)
}

/// Code as whole words, filled up with traps.
fn words(mut code: Vec<u8>) -> Vec<u64> {
    code.resize(code.len().next_multiple_of(8), 0xcc);
    code.chunks_exact(8)
        .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_the_kernel_s_layout() {
        assert_eq!(size_of::<Registers>(), size_of::<libc::user_regs_struct>());
        assert_eq!(
            std::mem::offset_of!(Registers, rip),
            std::mem::offset_of!(libc::user_regs_struct, rip)
        );
        assert_eq!(
            std::mem::offset_of!(Registers, rsp),
            std::mem::offset_of!(libc::user_regs_struct, rsp)
        );
        assert_eq!(8 * RAX, std::mem::offset_of!(libc::user_regs_struct, rax));
    }
}
