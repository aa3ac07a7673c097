//! Where a socket call would go, in the terms of the policy's connect rules.
//!
//! Input: the kind of socket, the judged copy of the address, whether something is sent. Output: a
//! [`Destination`], or the errno that the kernel would give. Source: net/ipv4/{af_inet,udp,raw}.c and
//! net/ipv6/{af_inet6,udp,datagram}.c of Linux 6.1 to 6.18. Gap: sockets of other families than IP's and
//! Unix's are passed on undecided, as under the kernel side.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use claw_policy::connect::Protocol;
use rustix::io::Errno;
use rustix::net::sockopt::{socket_domain, socket_protocol, socket_type};
use rustix::net::{AddressFamily, SocketType};

const UDP: u32 = libc::IPPROTO_UDP as u32;
const UDP_LITE: u32 = libc::IPPROTO_UDPLITE as u32;
/// Bytes of a `sockaddr_in`, and of a `sockaddr_in6` without its scope (`SIN6_LEN_RFC2133`).
const V4: usize = 16;
const V6: usize = 24;
/// Bytes of `sun_path`.
const UNIX_PATH: usize = 108;
/// Bytes of an address's family.
const FAMILY: usize = 2;

/// The kind of a socket. It is read from the supervisor's own duplicate, so it cannot change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    family: AddressFamily,
    kind: SocketType,
    /// The protocol's number.
    pub(crate) protocol: u32,
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To the peer that the socket is connected to, or nowhere: the address does not count and is left out.
    Connected,
    /// To an address that no rule can name.
    Unruled,
    /// To an IP address.
    Inet(SocketAddr, Protocol),
    /// To the Unix socket at this path.
    Path(Vec<u8>),
    /// To the Unix socket of this abstract name, with its first, zero byte.
    Abstract(Vec<u8>),
}

impl Kind {
    /// Asks a socket what it is.
    ///
    /// # Errors
    /// ENOTSOCK.
    pub(crate) fn of(socket: BorrowedFd<'_>) -> Result<Self, Errno> {
        let protocol = socket_protocol(socket.as_fd())?;
        Ok(Self {
            family: socket_domain(socket)?,
            kind: socket_type(socket)?,
            protocol: protocol.map_or(0, |protocol| protocol.as_raw().get()),
        })
    }

    /// Whether it carries a stream: what is sent may go in parts.
    pub(crate) fn is_stream(self) -> bool {
        self.kind == SocketType::STREAM
    }

    /// Whether a connect(2) may take time.
    pub(crate) fn connects_slowly(self) -> bool {
        self.kind != SocketType::DGRAM && self.kind != SocketType::RAW
    }

    /// Whether it is of one of IP's two families.
    pub(crate) fn is_inet(self) -> bool {
        self.family == AddressFamily::INET || self.family == AddressFamily::INET6
    }

    /// Whether it is a Unix socket.
    pub(crate) fn is_unix(self) -> bool {
        self.family == AddressFamily::UNIX
    }

    /// Its protocol as the policy's rules see it. UDP-Lite counts as UDP, and every other protocol as TCP, so
    /// that no protocol escapes the rules.
    fn ruled(self) -> Protocol {
        if matches!(self.protocol, UDP | UDP_LITE) { Protocol::Udp } else { Protocol::Tcp }
    }

    /// Where connect(2) to `name` leads.
    ///
    /// # Errors
    /// As connect(2).
    pub(crate) fn connect(self, name: &[u8]) -> Result<Destination, Errno> {
        match family(name).ok_or(Errno::INVAL)? {
            // AF_UNSPEC disconnects the socket.
            AddressFamily::UNSPEC => Ok(Destination::Unruled),
            family => self.named(family, name),
        }
    }

    /// Where a message to `name` leads.
    ///
    /// # Errors
    /// As sendmsg(2).
    pub(crate) fn send(self, name: Option<&[u8]>, flags: i32) -> Result<Destination, Errno> {
        let Some(name) = name else { return Ok(Destination::Connected) };
        // TCP looks at an address only where it opens a connection with it.
        let opens = flags & libc::MSG_FASTOPEN != 0;
        let tcp = matches!(self.protocol as i32, libc::IPPROTO_TCP | libc::IPPROTO_MPTCP);
        if self.is_inet() && self.is_stream() && tcp && !opens {
            return Ok(Destination::Connected);
        }
        match (family(name), self.family) {
            // UDP, and raw sockets, take an address without family for IPv4.
            (Some(AddressFamily::UNSPEC), AddressFamily::INET) => {
                self.named(AddressFamily::INET, name)
            }
            // udpv6_sendmsg ignores such an address.
            (Some(AddressFamily::UNSPEC), AddressFamily::INET6) => Ok(Destination::Connected),
            (Some(family), _) => self.named(family, name),
            (None, _) => Err(Errno::INVAL),
        }
    }

    /// By the family of the address: other sockets than IP's may go by IP addresses as well.
    fn named(self, family: AddressFamily, name: &[u8]) -> Result<Destination, Errno> {
        let port = |name: &[u8]| u16::from_be_bytes([name[2], name[3]]);
        match family {
            AddressFamily::INET => {
                let name: &[u8; V4] = name.first_chunk().ok_or(Errno::INVAL)?;
                let ip = Ipv4Addr::new(name[4], name[5], name[6], name[7]);
                Ok(Destination::Inet(SocketAddr::new(ip.into(), port(name)), self.ruled()))
            }
            AddressFamily::INET6 => {
                let name: &[u8; V6] = name.first_chunk().ok_or(Errno::INVAL)?;
                let (_, octets) = name.split_last_chunk::<16>().ok_or(Errno::INVAL)?;
                let ip = IpAddr::from(Ipv6Addr::from(*octets)).to_canonical();
                Ok(Destination::Inet(SocketAddr::new(ip, port(name)), self.ruled()))
            }
            _ if self.is_inet() => Err(Errno::AFNOSUPPORT),
            AddressFamily::UNIX => {
                let path = &name[FAMILY..];
                Ok(match path {
                    // The kernel refuses an empty path itself.
                    [] => Destination::Unruled,
                    path if path.len() > UNIX_PATH => return Err(Errno::INVAL),
                    // An abstract name is the whole given length, zero bytes included.
                    [0, ..] => Destination::Abstract(path.to_vec()),
                    path => {
                        let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
                        Destination::Path(path[..end].to_vec())
                    }
                })
            }
            _ => Ok(Destination::Unruled),
        }
    }
}

/// The address `name`, which leads to `to`, with 127.0.0.1 in place of `0.0.0.0`: the kernel takes `0.0.0.0` for the
/// address that the socket is bound to, which no rule was asked about.
pub(crate) fn to_this_host(mut name: Vec<u8>, to: SocketAddr) -> Vec<u8> {
    if to.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        // The last bytes of a `sin_addr`, and of a `sin6_addr` that holds an IPv4 address.
        let end = if family(&name) == Some(AddressFamily::INET6) { V6 } else { 8 };
        if let Some(ip) = name.get_mut(end - 4..end) {
            ip.copy_from_slice(&Ipv4Addr::LOCALHOST.octets());
        }
    }
    name
}

fn family(name: &[u8]) -> Option<AddressFamily> {
    let bytes = name.first_chunk::<FAMILY>()?;
    Some(AddressFamily::from_raw(u16::from_ne_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(family: AddressFamily, kind: SocketType, protocol: i32) -> Kind {
        Kind { family, kind, protocol: protocol as u32 }
    }

    fn v4(family: AddressFamily) -> Vec<u8> {
        let mut name = family.as_raw().to_ne_bytes().to_vec();
        name.extend([0, 53, 127, 0, 0, 9]);
        name.resize(V4, 0);
        name
    }

    fn v6(address: &str) -> Vec<u8> {
        let mut name = AddressFamily::INET6.as_raw().to_ne_bytes().to_vec();
        name.extend([0, 53, 0, 0, 0, 0]);
        name.extend(address.parse::<Ipv6Addr>().expect("an address").octets());
        name.extend([0; 4]);
        name
    }

    fn to(address: &str, protocol: Protocol) -> Result<Destination, Errno> {
        Ok(Destination::Inet(address.parse().expect("an address"), protocol))
    }

    #[test]
    fn addresses_are_read_as_the_kernel_reads_them() {
        use AddressFamily as Family;
        let udp4 = kind(Family::INET, SocketType::DGRAM, libc::IPPROTO_UDP);
        let udp6 = kind(Family::INET6, SocketType::DGRAM, libc::IPPROTO_UDP);
        let there = to("127.0.0.9:53", Protocol::Udp);
        assert_eq!(udp4.connect(&v4(Family::INET)), there);
        assert_eq!(udp4.send(Some(&v4(Family::INET)), 0), there);
        assert_eq!(udp6.connect(&v4(Family::INET)), there);
        assert_eq!(udp6.send(Some(&v6("::ffff:127.0.0.9")), 0), there);
        assert_eq!(udp6.connect(&v6("::1")), to("[::1]:53", Protocol::Udp));
        assert_eq!(udp4.connect(&v4(Family::UNSPEC)), Ok(Destination::Unruled));
        assert_eq!(udp4.send(Some(&v4(Family::UNSPEC)), 0), there);
        assert_eq!(udp6.send(Some(&v4(Family::UNSPEC)), 0), Ok(Destination::Connected));
        assert_eq!(udp4.send(None, 0), Ok(Destination::Connected));
        assert_eq!(udp4.connect(&v4(Family::INET)[..15]), Err(Errno::INVAL));
        assert_eq!(udp6.connect(&v6("::1")[..23]), Err(Errno::INVAL));
        assert_eq!(udp4.connect(&[2]), Err(Errno::INVAL));
        assert_eq!(udp4.connect(&v4(Family::UNIX)), Err(Errno::AFNOSUPPORT));
    }

    #[test]
    fn tcp_looks_at_an_address_only_to_open_a_connection() {
        let tcp = kind(AddressFamily::INET, SocketType::STREAM, libc::IPPROTO_TCP);
        let name = v4(AddressFamily::INET);
        assert_eq!(tcp.send(Some(&name), 0), Ok(Destination::Connected));
        let opened = tcp.send(Some(&name), libc::MSG_FASTOPEN);
        assert_eq!(opened, to("127.0.0.9:53", Protocol::Tcp));
        // SCTP sends by address.
        let sctp = kind(AddressFamily::INET, SocketType::STREAM, libc::IPPROTO_SCTP);
        assert_eq!(sctp.send(Some(&name), 0), to("127.0.0.9:53", Protocol::Tcp));
    }

    #[test]
    fn unix_addresses_are_paths_or_names() {
        let unix = kind(AddressFamily::UNIX, SocketType::STREAM, 0);
        let path = |bytes: &[u8]| [&AddressFamily::UNIX.as_raw().to_ne_bytes()[..], bytes].concat();
        assert_eq!(unix.connect(&path(b"/run/x\0y")), Ok(Destination::Path(b"/run/x".to_vec())));
        assert_eq!(unix.connect(&path(b"/run/x")), Ok(Destination::Path(b"/run/x".to_vec())));
        assert_eq!(unix.connect(&path(b"\0name")), Ok(Destination::Abstract(b"\0name".to_vec())));
        assert_eq!(
            unix.send(Some(&path(b"\0a\0")), 0),
            Ok(Destination::Abstract(b"\0a\0".to_vec()))
        );
        assert_eq!(unix.connect(&path(&[b'/'; 109])), Err(Errno::INVAL));
        assert_eq!(unix.connect(&path(b"")), Ok(Destination::Unruled));
    }
}
