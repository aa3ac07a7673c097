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

    /// With a system call to make.
    pub(crate) fn with_call(mut self, number: u32, arguments: [u64; 4]) -> Self {
        self.before_rip[RAX] = number.into();
        // No call is under way that the kernel could begin again.
        self.before_rip[ORIG_RAX] = u64::MAX;
        for (register, argument) in ARGUMENTS.into_iter().zip(arguments) {
            self.before_rip[register] = argument;
        }
        self
    }

    /// Whether this system call is being made.
    pub(crate) fn makes_call(&self, number: u32, arguments: [u64; 4]) -> bool {
        self.before_rip[ORIG_RAX] == u64::from(number)
            && ARGUMENTS.map(|register| self.before_rip[register]) == arguments
    }
}

/// Where the registers of a system call stand in `user_regs_struct`: its number as it was asked for, `rax`, and its
/// arguments `rdi`, `rsi`, `rdx`, `r10`.
const ORIG_RAX: usize = 15;
const RAX: usize = 10;
const ARGUMENTS: [usize; 4] = [14, 13, 12, 7];

/// `syscall`, and traps behind it, as a word to poke.
pub(crate) const CALL: u64 = 0xcccc_cccc_cccc_050f;

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
        assert_eq!(8 * ORIG_RAX, std::mem::offset_of!(libc::user_regs_struct, orig_rax));
        let arguments = [
            std::mem::offset_of!(libc::user_regs_struct, rdi),
            std::mem::offset_of!(libc::user_regs_struct, rsi),
            std::mem::offset_of!(libc::user_regs_struct, rdx),
            std::mem::offset_of!(libc::user_regs_struct, r10),
        ];
        assert_eq!(ARGUMENTS.map(|register| 8 * register), arguments);
    }
}
