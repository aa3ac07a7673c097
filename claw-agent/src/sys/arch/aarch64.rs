//! aarch64, from the Procedure Call Standard for the Arm 64-bit Architecture, the Arm Architecture
//! Reference Manual (C6.2: MOVZ, MOVK, SVC, BRK) and arch/arm64/include/uapi/asm/ptrace.h.
//!
//! **Untested**: nothing of it has run on such a processor. What its code looks like is tested by its
//! encoding.

/// `EM_AARCH64`: what an ELF file must say to run here.
pub(crate) const ELF_MACHINE: u16 = 183;

/// `struct user_pt_regs`, as `PTRACE_GETREGSET` with `NT_PRSTATUS` fills it.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Registers {
    x: [u64; 31],
    sp: u64,
    pc: u64,
    pstate: u64,
}

impl Registers {
    /// The stack pointer.
    pub(crate) fn stack(&self) -> u64 {
        self.sp
    }

    /// The next instruction.
    pub(crate) fn instruction(&self) -> u64 {
        self.pc
    }

    /// With another stack pointer.
    pub(crate) fn with_stack(self, sp: u64) -> Self {
        Self { sp, ..self }
    }

    /// What the last system call returned, negative errno where it failed.
    pub(crate) fn result(&self) -> i64 {
        self.x[0].cast_signed()
    }

    /// With another next instruction.
    pub(crate) fn with_instruction(self, pc: u64) -> Self {
        Self { pc, ..self }
    }

    /// With a system call to make.
    pub(crate) fn with_call(mut self, number: u32, arguments: [u64; 4]) -> Self {
        self.x[NUMBER] = number.into();
        self.x[..4].copy_from_slice(&arguments);
        self
    }

    /// Whether this system call is being made.
    pub(crate) fn makes_call(&self, number: u32, arguments: [u64; 4]) -> bool {
        self.x[NUMBER] == u64::from(number) && self.x[..4] == arguments
    }
}

/// The register that holds a system call's number.
const NUMBER: usize = 8;
/// `write` and `exit_group`, include/uapi/asm-generic/unistd.h.
const WRITE: u64 = 64;
const EXIT_GROUP: u64 = 94;
/// `svc #0`: a system call, its number in x8, its arguments from x0 on.
const SVC: u32 = 0xd400_0001;
/// `brk #0`: a trap.
const BRK: u32 = 0xd420_0000;

/// `svc #0`, and a trap behind it, as a word to poke.
pub(crate) const CALL: u64 = (BRK as u64) << 32 | SVC as u64;

/// Code that writes `len` bytes at `message` to standard error and ends the process with `status`,
/// as words to poke.
pub(crate) fn exit_with_message(message: u64, len: u32, status: u32) -> Vec<u64> {
    let mut code = Vec::with_capacity(28);
    for (register, value) in [(0, 2), (1, message), (2, len.into()), (8, WRITE)] {
        load(&mut code, register, value);
    }
    code.push(SVC);
    load(&mut code, 0, status.into());
    load(&mut code, 8, EXIT_GROUP);
    code.extend([SVC, BRK]);
    words(&mut code)
}

/// Puts a value into a register: `movz` of its lowest 16 bits, `movk` of the others.
fn load(code: &mut Vec<u32>, register: u32, value: u64) {
    for part in 0..4u32 {
        let bits = (value >> (16 * part)) as u32 & 0xffff;
        let operation = if part == 0 { 0xd280_0000 } else { 0xf280_0000 };
        if part == 0 || bits != 0 {
            code.push(operation | part << 21 | bits << 5 | register);
        }
    }
}

/// Instructions as whole words, filled up with a trap.
fn words(code: &mut Vec<u32>) -> Vec<u64> {
    if !code.len().is_multiple_of(2) {
        code.push(BRK);
    }
    code.chunks_exact(2).map(|pair| u64::from(pair[1]) << 32 | u64::from(pair[0])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_encoded_as_the_manual_says() {
        let mut code = Vec::new();
        load(&mut code, 8, 93);
        // mov x8, #93
        assert_eq!(code, [0xd280_0ba8]);
        code.clear();
        load(&mut code, 0, 0x1234_0000_0000);
        // mov x0, #0; movk x0, #0x1234, lsl #32
        assert_eq!(code, [0xd280_0000, 0xf2c2_4680]);
        code.clear();
        code.extend([SVC, BRK]);
        assert_eq!(words(&mut code), [CALL]);
    }

    #[test]
    fn registers_have_the_kernel_s_layout() {
        assert_eq!(size_of::<Registers>(), 34 * 8);
        assert_eq!(std::mem::offset_of!(Registers, sp), 31 * 8);
        assert_eq!(std::mem::offset_of!(Registers, pc), 32 * 8);
    }
}
