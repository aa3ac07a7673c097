//! Programs that transfer something or connect to anything.

pub(crate) mod curl;
pub(crate) mod http;
pub(crate) mod httpie;
pub(crate) mod remote;
pub(crate) mod wget;
