//! Why an image that was stopped could not go on.

use std::io;

use thiserror::Error;

/// Why a stopped image could not be changed. It has been killed.
#[derive(Debug, Error)]
pub(crate) enum StopError {
    /// A request to the kernel failed.
    #[error("the exec stop failed: {0}")]
    Kernel(#[from] io::Error),
    /// The new image does not begin with what was judged.
    #[error("the new image has other arguments than were judged")]
    Mismatch,
    /// The file that runs is not the one that was judged.
    #[error("another file runs than was judged")]
    OtherFile,
    /// The initial stack is not what the psABI says.
    #[error("the initial stack of the new image is malformed")]
    Malformed,
    /// It made another system call than the injected one.
    #[error("another process has changed the code of the new image")]
    Hijacked,
    /// Somebody else uses or holds its memory.
    #[error("another process has the memory of the new image open")]
    Shared,
    /// Its memory holds something that comes from none of its files.
    #[error("another process has written to the memory of the new image, at {0:#x}")]
    Written(u64),
    /// It ended meanwhile, with this wait status if it is known.
    #[error("it ended at its exec stop")]
    Gone(Option<i32>),
}

impl From<rustix::io::Errno> for StopError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Kernel(errno.into())
    }
}
