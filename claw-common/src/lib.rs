//! What the kernel side and the user side share: map and event layouts, and the keyed hash.
//!
//! `no_std`, no dependencies, no unsafe code. Values that cross the boundary are made of whole 32-
//! and 64-bit words in the machine's own byte order, so that both sides read the same bytes and
//! there is no padding to leak.

#![no_std]
#![forbid(unsafe_code)]

pub mod event;
pub mod hash;
pub mod holders;
pub mod lineage;
pub mod net;
pub mod session;
pub mod ticket;
