//! What the kernel side saw of who holds a process's memory, word by word.

/// Where the address of its `mm_struct` stands; 0 where there is none.
pub const MEMORY: usize = 0;
/// How many use it: threads, and whoever reads or writes it at this moment (`mm_users`).
pub const USERS: usize = 1;
/// How many hold it: all users together, descriptors, the kernel (`mm_count`).
pub const COUNT: usize = 2;
/// How many of those are its users together and the kernel's own, without processors that have borrowed it.
pub const KNOWN: usize = 3;
/// How many processors have borrowed it for a thread of the kernel's own, of those that were asked since.
pub const BORROWED: usize = 4;
/// How many words there are.
pub const WORDS: usize = 5;
