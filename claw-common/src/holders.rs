//! The kernel side's answer about the holders of a process's memory, word by word.

/// The address of its `mm_struct`; 0 if there is none.
pub const MEMORY: usize = 0;
/// How many users it has: threads, and processes that read or write it at this moment (`mm_users`).
pub const USERS: usize = 1;
/// How many references it has: one for all users together, descriptors, the kernel (`mm_count`).
pub const COUNT: usize = 2;
/// How many of those are accounted for: one for its users together, and the kernel's own, without processors
/// that have borrowed it.
pub const KNOWN: usize = 3;
/// How many of the processors asked since have borrowed it for a kernel thread.
pub const BORROWED: usize = 4;
/// How many words there are.
pub const WORDS: usize = 5;
