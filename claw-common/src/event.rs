//! The events that the kernel side reports through the ring buffer.

/// The kinds of event.
pub mod kind {
    /// An exec matched its ticket.
    pub const EXEC_PROVEN: u32 = 1;
    /// An exec did not match and was killed; `cause` says why.
    pub const EXEC_KILLED: u32 = 2;
    /// An exec in observe mode. [`super::FILENAME`] bytes of the path as called, ended by a NUL, then the
    /// argument area and the environment follow the event.
    pub const EXEC_OBSERVED: u32 = 3;
    /// A connection was decided.
    pub const CONNECT: u32 = 4;
    /// A new process could not be put under guard, so its parent was killed.
    pub const LINEAGE_LOST: u32 = 5;
    /// An exec did not match and was refused while the old image was still in place; `cause` says why.
    pub const EXEC_REFUSED: u32 = 6;
}

/// How many numbers [`kind`] uses, including 0, which is not a kind.
pub const KINDS: usize = 1 + kind::EXEC_REFUSED as usize;

/// How many events of each [`kind`] found no room in the ring.
pub type Lost = [u64; KINDS];

/// Why an exec was killed or refused.
pub mod cause {
    /// There was no ticket.
    pub const NO_TICKET: u32 = 1;
    /// Another file runs than was judged.
    pub const FILE: u32 = 2;
    /// The arguments have another length.
    pub const LENGTH: u32 = 3;
    /// The arguments or the environment differ.
    pub const HASH: u32 = 4;
    /// The arguments could not be read in the kernel.
    pub const UNREADABLE: u32 = 5;
    /// The working directory is another one, or another process can change it.
    pub const DIRECTORY: u32 = 6;
}

/// One event. Fields that its kind does not use are zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Event {
    /// CLOCK_BOOTTIME in nanoseconds.
    pub time: u64,
    /// The running file's inode number (exec).
    pub ino: u64,
    /// One of [`kind`].
    pub kind: u32,
    /// One of [`cause`] (exec).
    pub cause: u32,
    /// The process, in the initial pid namespace.
    pub tgid: u32,
    /// The thread that called, as it was numbered before the exec.
    pub tid: u32,
    /// The user id, in the initial user namespace.
    pub uid: u32,
    /// The running file's device, as [`crate::ticket::device`] writes it (exec).
    pub dev: u32,
    /// Bytes of the argument area (exec).
    pub arg_len: u32,
    /// Bytes of the environment (exec).
    pub env_len: u32,
    /// The address in network order; IPv4 in the first word (connect).
    pub addr: [u32; 4],
    /// 4 or 6 (connect).
    pub family: u32,
    /// The port in host order (connect).
    pub port: u32,
    /// IPPROTO_TCP, IPPROTO_UDP or another (connect).
    pub protocol: u32,
    /// The index of the rule that decided, in that generation of the rules; [`crate::net::NO_RULE`] for the
    /// default (connect).
    pub rule: u32,
    /// 1 if the connection was allowed (connect).
    pub allowed: u32,
    /// The session of the process.
    pub session: u32,
    /// The generation of the session's policy that decided or was in force at that moment (connect, observed
    /// exec).
    pub generation: u32,
    /// Always zero: keeps the size a multiple of eight.
    pub reserved: u32,
}

/// Bytes of an event.
pub const EVENT_BYTES: usize = size_of::<Event>();

/// Bytes of the ring in a session that holds calls. It bounds how many connections can be allowed before the
/// supervisor reads of them, so that the audit can reserve disk space for as many.
pub const RING: u32 = 256 << 10;

/// Bytes of the ring in a session that only observes: each event carries the arguments of a program.
pub const RING_OBSERVED: u32 = 4 << 20;

/// How many events a ring of [`RING`] bytes holds at most: each has a header of eight bytes.
pub const UNREAD: usize = RING as usize / (EVENT_BYTES + 8);

/// Bytes of the path that an observed exec carries, its NUL included.
pub const FILENAME: usize = 256;

/// Bytes of arguments and environment that a small observed exec carries.
pub const SMALL_PAYLOAD: usize = 4 << 10;

/// Bytes of arguments and environment that an observed exec carries at most.
pub const LARGE_PAYLOAD: usize = 32 << 10;

impl Event {
    /// Reads an event and its payload; `None` if `bytes` is too short for one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, payload) = bytes.split_at_checked(EVENT_BYTES)?;
        let word = |at: usize| {
            let b = &head[at * 4..at * 4 + 4];
            u32::from_ne_bytes([b[0], b[1], b[2], b[3]])
        };
        let long = |at: usize| {
            let b = &head[at * 8..at * 8 + 8];
            u64::from_ne_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
        };
        let event = Self {
            time: long(0),
            ino: long(1),
            kind: word(4),
            cause: word(5),
            tgid: word(6),
            tid: word(7),
            uid: word(8),
            dev: word(9),
            arg_len: word(10),
            env_len: word(11),
            addr: [word(12), word(13), word(14), word(15)],
            family: word(16),
            port: word(17),
            protocol: word(18),
            rule: word(19),
            allowed: word(20),
            session: word(21),
            generation: word(22),
            reserved: word(23),
        };
        Some((event, payload))
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::*;

    #[test]
    fn parse_reads_the_layout_that_the_kernel_side_writes() {
        assert_eq!(EVENT_BYTES, 96);
        assert_eq!(offset_of!(Event, kind), 16);
        assert_eq!(offset_of!(Event, addr), 48);
        assert_eq!(offset_of!(Event, allowed), 80);
        let mut bytes = [0u8; EVENT_BYTES + 3];
        for (at, chunk) in bytes[..EVENT_BYTES].chunks_exact_mut(4).enumerate() {
            chunk.copy_from_slice(&(at as u32).to_ne_bytes());
        }
        let (event, payload) = Event::parse(&bytes).expect("long enough");
        assert_eq!((event.kind, event.tgid, event.addr), (4, 6, [12, 13, 14, 15]));
        assert_eq!((event.rule, event.allowed, payload.len()), (19, 20, 3));
        assert_eq!((event.session, event.generation), (21, 22));
    }

    #[test]
    fn a_short_event_is_none() {
        assert_eq!(Event::parse(&[0; EVENT_BYTES - 1]), None);
    }
}
