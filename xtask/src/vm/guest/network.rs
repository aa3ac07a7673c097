//! Brings up the loopback interface, rtnetlink(7): the kernel gives it 127.0.0.1 and ::1 by itself then.

use anyhow::{Context, Result, bail};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};

/// `RTM_NEWLINK`, include/uapi/linux/rtnetlink.h.
const NEW_LINK: u16 = 16;
/// `NLM_F_REQUEST | NLM_F_ACK` and `NLMSG_ERROR`, include/uapi/linux/netlink.h.
const REQUEST_ACKNOWLEDGED: u16 = 1 | 4;
const ERROR: u16 = 2;
/// `IFF_UP`, and the number that the loopback interface has in every network namespace.
const UP: u32 = 1;
const LOOPBACK: u32 = 1;

/// Brings it up.
pub(super) fn raise_loopback() -> Result<()> {
    // Protocol 0 is NETLINK_ROUTE.
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)
        .context("cannot open a netlink socket")?;
    let message = message();
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut reply = [0; 64];
    let (length, _) = recv(&socket, &mut reply, RecvFlags::empty())?;
    // A header of 16 bytes with the kind in its second word, then an errno, 0 for success.
    let kind = u16::from_ne_bytes([reply[4], reply[5]]);
    let errno = i32::from_ne_bytes([reply[16], reply[17], reply[18], reply[19]]);
    if length < 20 || kind != ERROR || errno != 0 {
        bail!("the kernel does not bring up the loopback interface: {kind}, {errno}");
    }
    Ok(())
}

/// `struct nlmsghdr` and `struct ifinfomsg`.
fn message() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(32u32.to_ne_bytes());
    bytes.extend(NEW_LINK.to_ne_bytes());
    bytes.extend(REQUEST_ACKNOWLEDGED.to_ne_bytes());
    // Sequence number and port: one request, from a fresh socket.
    bytes.extend([0; 8]);
    // Any address family, any kind of device.
    bytes.extend([0; 4]);
    for word in [LOOPBACK, UP, UP] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes
}
