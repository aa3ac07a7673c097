//! Which Unix socket a path leads to, and all of its names.
//!
//! Output: [`Names`] for the rules. The first is the path of the socket's file once all links have been
//! followed, as the supervisor's root shows it. A socket file may have been moved, linked or mounted
//! elsewhere since it was bound; the kernel still reports the name it was bound to (unix_diag, sock_diag(7)).
//! A path that a deny rule spells out is resolved too, so that the rule finds the socket under any name.
//!
//! Known gap: the kernel does not report sockets of other network namespaces than the supervisor's, and it
//! may lack unix_diag. Then only the path and the paths that deny rules spell out are known.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use claw_policy::Policy;
use claw_policy::unix::Names;
use rustix::fs::{fstat, stat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use rustix::process::Pid;

use super::path::{Resolved, View};
use super::shortage::unless_short;
use super::{Decoder, Identity};

/// `SOCK_DIAG_BY_FAMILY`, include/uapi/linux/sock_diag.h, and `NLM_F_REQUEST | NLM_F_DUMP`, netlink(7).
const BY_FAMILY: u16 = 20;
const DUMP: u16 = 0x301;
/// `UDIAG_SHOW_NAME | UDIAG_SHOW_VFS`, include/uapi/linux/unix_diag.h.
const NAME_AND_FILE: u32 = 3;
/// `UNIX_DIAG_NAME` and `UNIX_DIAG_VFS`.
const NAME: u16 = 0;
const FILE: u16 = 1;
/// Bytes of a `nlmsghdr`, of a `unix_diag_msg` and of a `nlattr`.
const HEADER: usize = 16;
const SOCKET: usize = 16;
const ATTRIBUTE: usize = 4;
/// The size of one read, in bytes: the kernel makes the parts of its answer no longer.
const PART: usize = 32 << 10;

impl Decoder {
    /// The file that a Unix socket's path leads to, as `tid` sees it and with the rights that `assume`
    /// gives.
    ///
    /// # Errors
    /// As connect(2).
    pub(crate) fn unix_socket<A>(
        &self,
        tid: Pid,
        path: &[u8],
        assume: impl FnOnce() -> Result<A, Errno>,
    ) -> Result<Resolved, Errno> {
        View::of(tid).resolve_as(path, assume)
    }

    /// The names of the socket at `file`, which `tid` has reached. If `policy` has no rules for Unix sockets,
    /// only its path is looked up.
    ///
    /// # Errors
    /// As stat(2); a shortage.
    pub(crate) fn unix_names(
        &self,
        tid: Pid,
        file: &Resolved,
        policy: &Policy,
    ) -> Result<Names, Errno> {
        let mut names = Names { all: vec![text(&file.path)], also: Vec::new() };
        if !policy.speaks_of_unix() {
            return Ok(names);
        }
        let own = fstat(&file.file)?;
        let same = |path: &String| {
            stat(path.as_str()).is_ok_and(|it| (it.st_dev, it.st_ino) == (own.st_dev, own.st_ino))
        };
        names.also.extend(policy.denied_unix_paths().filter(same));
        let identity = self.devices.stat(file.file.as_fd(), tid)?.identity;
        // A kernel without unix_diag is a known gap.
        for bound in unless_short(bound_to(identity))?.unwrap_or_default() {
            if let Some(whole) = whole(&bound, &file.path) {
                names.also.push(text(&whole));
                let real = text(&real(&whole));
                if !names.all.contains(&real) {
                    names.all.push(real);
                }
            }
        }
        Ok(names)
    }
}

/// The names of an abstract socket; `name` begins with its zero byte.
pub(crate) fn abstract_names(name: &[u8]) -> Names {
    let spelled = |name: &[u8]| format!("@{}", text(name));
    let name = name.get(1..).unwrap_or_default();
    // Some programs pass the whole of `sun_path`, padded with zero bytes.
    let end = name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Names { all: vec![spelled(name)], also: vec![spelled(&name[..end])] }
}

/// The real path of a folder that a policy names, as far as it exists.
pub(crate) fn real_folder(folder: &str) -> Option<String> {
    let folder = Path::new(folder);
    folder.ancestors().find_map(|known| {
        let real = known.canonicalize().ok()?;
        let rest = folder.strip_prefix(known).ok()?;
        // Joining an empty path would leave a trailing slash.
        let whole = if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        whole.to_str().map(str::to_owned)
    })
}

/// Patterns match text, so a name becomes text.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// A bound name as an absolute path: a relative one counts as in the folder of `path`, where the file was
/// found. `None` for an abstract name.
fn whole(bound: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let end = bound.iter().position(|byte| *byte == 0).unwrap_or(bound.len());
    let bound = &bound[..end];
    match bound {
        [] => None,
        [b'/', ..] => Some(bound.to_vec()),
        _ => {
            let slash = path.iter().rposition(|byte| *byte == b'/')?;
            let name = bound.rsplit(|byte| *byte == b'/').next()?;
            Some([&path[..=slash], name].concat())
        }
    }
}

/// A path with the links before its last name followed, if they lead anywhere.
fn real(path: &[u8]) -> Vec<u8> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let real = path.parent().and_then(|folder| folder.canonicalize().ok());
    let real = real.zip(path.file_name()).map(|(folder, name)| folder.join(name));
    real.unwrap_or_else(|| path.to_owned()).into_os_string().into_vec()
}

/// The names that the sockets of the file `identity` were bound to.
fn bound_to(identity: Identity) -> Result<Vec<Vec<u8>>, Errno> {
    let asking = ask()?;
    let mut found = Vec::new();
    let mut part = vec![0; PART];
    loop {
        let (len, _) = recv(&asking, &mut part[..], RecvFlags::empty())?;
        if !read(&part[..len], identity, &mut found)? {
            return Ok(found);
        }
    }
}

/// Asks the kernel for every Unix socket of this network namespace.
fn ask() -> Result<OwnedFd, Errno> {
    let diag = Some(netlink::SOCK_DIAG);
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, diag)?;
    // A `nlmsghdr`: length, type, flags, sequence, port. A `unix_diag_req`: family, states, inode, show, cookie.
    let mut request = Vec::with_capacity(2 * HEADER + 8);
    request.extend((HEADER as u32 + 24).to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(DUMP.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([libc::AF_UNIX as u8, 0, 0, 0]);
    request.extend(u32::MAX.to_ne_bytes());
    request.extend(0u32.to_ne_bytes());
    request.extend(NAME_AND_FILE.to_ne_bytes());
    request.extend([0; 8]);
    send(&socket, &request, SendFlags::empty())?;
    Ok(socket)
}

/// Reads one part of the answer; `false` if it is the last.
fn read(mut part: &[u8], identity: Identity, found: &mut Vec<Vec<u8>>) -> Result<bool, Errno> {
    while let Some((header, rest)) = part.split_first_chunk::<HEADER>() {
        let len = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        match i32::from(kind) {
            libc::NLMSG_DONE => return Ok(false),
            libc::NLMSG_ERROR => return Err(Errno::OPNOTSUPP),
            _ => {}
        }
        let body = rest.get(..len.wrapping_sub(HEADER)).ok_or(Errno::BADMSG)?;
        found.extend(name_of(body.get(SOCKET..).unwrap_or_default(), identity));
        part = part.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// The bound name among a socket's `attributes`, if its file is `identity`.
fn name_of(mut attributes: &[u8], identity: Identity) -> Option<Vec<u8>> {
    let (mut name, mut is_it) = (None, false);
    while let Some((header, rest)) = attributes.split_first_chunk::<ATTRIBUTE>() {
        let len = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let value = rest.get(..len.wrapping_sub(ATTRIBUTE))?;
        match u16::from_ne_bytes([header[2], header[3]]) {
            NAME => name = Some(value.to_vec()),
            FILE => {
                // `unix_diag_vfs`: the low half of the inode number, and the super block's device.
                let number =
                    |at: usize| value.get(at..at + 4)?.try_into().map(u32::from_ne_bytes).ok();
                is_it = number(0) == Some(identity.ino as u32) && number(4) == Some(identity.dev);
            }
            _ => {}
        }
        attributes = attributes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    name.filter(|_| is_it)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use rustix::process::getpid;

    use super::*;

    fn policy(rules: &str) -> Policy {
        let text = format!("version = 1\n{rules}");
        claw_policy::parse(&text, "p", &claw_classify::schema()).expect("right")
    }

    fn names(policy: &Policy, path: &Path) -> Names {
        let decoder = Decoder::new().expect("descriptors enough");
        let path = path.to_str().expect("text").as_bytes();
        let file = decoder.unix_socket(getpid(), path, || Ok(())).expect("there");
        decoder.unix_names(getpid(), &file, policy).expect("known")
    }

    #[test]
    fn a_socket_that_moved_keeps_the_name_it_was_bound_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("it is there");
        let (old, new) = (real.join("old"), real.join("new"));
        let _listener = UnixListener::bind(&old).expect("bound");
        let all =
            |names: &Names| names.all.iter().map(Into::into).collect::<Vec<std::path::PathBuf>>();
        let closed = policy("defaults.unix = \"deny\"");
        assert_eq!(all(&names(&closed, &old)), std::slice::from_ref(&old));
        std::fs::hard_link(&old, &new).expect("linked");
        assert_eq!(all(&names(&closed, &new)), [new.clone(), old.clone()]);
        std::fs::remove_file(&old).expect("removed");
        assert_eq!(all(&names(&closed, &new)), [new.clone(), old]);
        // With a policy that has no rules for Unix sockets, nothing is looked up.
        assert_eq!(all(&names(&policy(""), &new)), [new]);
    }

    #[test]
    fn the_same_file_is_the_same_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("it is there");
        let (denied, other) = (real.join("denied"), real.join("other"));
        let rules = format!(
            "[[connect]]\nid = \"c\"\nunix = \"{}\"\nverdict = \"deny\"\nreason = \"no\"",
            denied.display()
        );
        // The file has no live socket, so only the file's own names are known.
        drop(UnixListener::bind(&denied).expect("bound"));
        std::fs::hard_link(&denied, &other).expect("linked");
        let names = names(&policy(&rules), &other);
        assert_eq!(names.also, [denied.display().to_string()]);
    }

    #[test]
    fn bound_names_become_paths() {
        assert_eq!(whole(b"/a/b\0", b"/c/d"), Some(b"/a/b".to_vec()));
        assert_eq!(whole(b"./b", b"/c/d"), Some(b"/c/b".to_vec()));
        assert_eq!(whole(b"\0a", b"/c/d"), None);
        assert_eq!(abstract_names(b"\0a\0b\0\0").all, ["@a\0b\0\0"]);
        assert_eq!(abstract_names(b"\0a\0b\0\0").also, ["@a\0b"]);
    }

    #[test]
    fn folders_are_real_as_far_as_they_exist() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("it is there");
        std::os::unix::fs::symlink(&real, real.join("link")).expect("a link");
        let asked = real.join("link/not/there");
        let found = real_folder(asked.to_str().expect("text"));
        assert_eq!(found, Some(real.join("not/there").display().to_string()));
    }
}
