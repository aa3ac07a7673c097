//! What the supervisor itself may run out of while it looks: descriptors and memory.
//!
//! A file that is not there is a fact. One that could not be opened for want of a descriptor is unknown,
//! and must not pass for one that is not there: the call is refused instead.

use rustix::io::Errno;

/// Whether this says nothing of the file, and something of this process or the machine.
pub(crate) fn is_shortage(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM)
}

/// Nothing for what is not there, or cannot be looked at by anybody like this process.
///
/// # Errors
/// A shortage.
pub(super) fn unless_short<T>(found: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(errno) if is_shortage(errno) => Err(errno),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_looked_at_is_not_absent() {
        assert_eq!(unless_short(Ok(1)), Ok(Some(1)));
        assert_eq!(unless_short::<()>(Err(Errno::NOENT)), Ok(None));
        assert_eq!(unless_short::<()>(Err(Errno::ACCESS)), Ok(None));
        for shortage in [Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
            assert_eq!(unless_short::<()>(Err(shortage)), Err(shortage));
        }
    }
}
