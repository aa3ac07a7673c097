//! Resources that the supervisor itself may run out of while it looks: descriptors and memory.
//!
//! That a file does not exist is a fact. A file that could not be opened for lack of a descriptor is unknown,
//! and must not count as absent: the call is refused instead.

use rustix::io::Errno;

/// Whether this errno is about the supervisor or the machine, not about the file.
pub(crate) fn is_shortage(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM)
}

/// `None` if the file does not exist, or this process may not look at it.
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
