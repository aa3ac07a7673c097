//! What kind of place a path is, for somebody who wants to know what writing there can do.

use std::borrow::Cow;

use crate::call::Call;
use crate::call::outputs::join;
use crate::system::places;

/// A place of no other kind.
const ELSEWHERE: &str = "elsewhere";

/// Of these folders, those in which no session has its work.
const NEVER_WORKED_IN: &[&[u8]] = &[
    b"bin", b"boot", b"dev", b"etc", b"lib", b"lib32", b"lib64", b"libx32", b"proc", b"run",
    b"sbin", b"sys",
];

/// Names of files and folders that hold keys and passwords.
const CREDENTIALS: &[&[u8]] = &[
    b".aws",
    b".azure",
    b".boto",
    b".databrickscfg",
    b".docker",
    b".git-credentials",
    b".gnupg",
    b".htpasswd",
    b".kube",
    b".mylogin.cnf",
    b".netrc",
    b".password-store",
    b".pgpass",
    b".pypirc",
    b".s3cfg",
    b".snowsql",
    b".ssh",
    b".vault-token",
    b"_netrc",
    b"authorized_keys",
    b"authorized_keys2",
    b"id_dsa",
    b"id_ecdsa",
    b"id_ed25519",
    b"id_rsa",
    b"pgpass.conf",
];

/// Names without a dot in front that some program reads when it starts in the folder.
const STARTUP: &[&[u8]] = &[
    b"_curlrc",
    b"ansible.cfg",
    b"crontab",
    b"my.cnf",
    b"pg_service.conf",
    b"pip.conf",
    b"sitecustomize.py",
    b"usercustomize.py",
];

/// Hidden folders that nobody reads settings from.
const CACHES: &[&[u8]] = &[b".cache", b".output", b".pytest_cache", b".ruff_cache"];

/// Nobody knows where a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

/// The folders round a call.
#[derive(Debug)]
pub(super) struct Folders<'a> {
    call: &'a Call<'a>,
    cwd: Option<Cow<'a, [u8]>>,
    /// The folder that the session works in; none if it has no such folder.
    workspace: Option<Vec<&'a [u8]>>,
    home: Option<Vec<&'a [u8]>>,
}

impl<'a> Folders<'a> {
    pub(super) fn of(call: &'a Call<'a>) -> Self {
        let (cwd, start) = match call.ground {
            Some(ground) => (ground.working_directory(), ground.start()),
            None => (call.cwd(), call.cwd()),
        };
        let home = call.var("HOME").filter(|home| home.starts_with(b"/")).map(parts);
        let start = start.filter(|start| start.starts_with(b"/")).map(parts);
        let workspace = start.filter(|start| is_workspace(start, home.as_deref()));
        Self { call, cwd: cwd.map(Cow::Borrowed), workspace, home }
    }

    /// The kind of place that `path` is; none if nothing is kept there.
    pub(super) fn place(&self, path: &[u8]) -> Result<Option<&'static str>, Unknown> {
        if keeps_nothing(path) {
            return Ok(None);
        }
        let written = self.call.ground.is_none();
        let tilde = path == b"~" || path.starts_with(b"~/");
        if written && self.cwd.is_none() && !path.starts_with(b"/") {
            return Ok(Some(match parts_or_none(path) {
                Some(parts) if tilde => named(&parts).unwrap_or("home"),
                Some(parts) => named(&parts).unwrap_or("workspace"),
                None => ELSEWHERE,
            }));
        }
        let path = match &self.cwd {
            _ if path.starts_with(b"/") => path.to_vec(),
            Some(cwd) => join(cwd, path),
            None => return Err(Unknown),
        };
        let real = match self.call.ground {
            Some(ground) => ground.real(&path).ok_or(Unknown)?,
            None => path,
        };
        if keeps_nothing(&real) {
            return Ok(None);
        }
        Ok(Some(self.kind(&parts(&real), tilde)))
    }

    /// The kind of place of an absolute path. `tilde` says that the words had a `~` in front, which some programs
    /// replace by the home folder themselves.
    fn kind(&self, path: &[&[u8]], tilde: bool) -> &'static str {
        let own = self.workspace.as_deref().and_then(|folder| path.strip_prefix(folder));
        if let Some(rest) = own.filter(|_| !tilde) {
            return named(rest).unwrap_or("workspace");
        }
        if let Some(rest) = below_temporary(path) {
            return named(rest).unwrap_or("temporary");
        }
        if path.first().is_some_and(|first| *first == b"dev" || places::is_of_system(first)) {
            return "system";
        }
        let home = tilde || self.home.as_deref().is_some_and(|home| path.starts_with(home));
        let by_shape = matches!(path, [b"root", ..] | [b"home", _, ..]);
        named(path).unwrap_or(if home || by_shape { "home" } else { ELSEWHERE })
    }
}

/// Whether a session that starts in `start` works there: not in the root folder, in somebody's home or above it, in a
/// folder of the system, or among keys.
fn is_workspace(start: &[&[u8]], home: Option<&[&[u8]]>) -> bool {
    let above_home = home.is_some_and(|home| home.starts_with(start));
    let by_shape = matches!(start, [] | [b"root" | b"home"] | [b"home", _]);
    let system = match start {
        [first, ..] if NEVER_WORKED_IN.contains(first) => start[..] != [b"dev", b"shm"][..],
        [b"usr", rest @ ..] => rest.first() != Some(&&b"src"[..]) || rest.len() < 2,
        [b"opt" | b"srv"] | [b"var"] | [b"var", _] => start[..] != [&b"var"[..], b"tmp"][..],
        _ => false,
    };
    let among_keys = start.iter().any(|part| CREDENTIALS.contains(part) || *part == b".config");
    !(above_home || by_shape || system || among_keys)
}

/// What is below a folder for temporary files.
fn below_temporary<'p, 'a>(path: &'p [&'a [u8]]) -> Option<&'p [&'a [u8]]> {
    match path {
        [b"tmp", rest @ ..] | [b"var", b"tmp", rest @ ..] | [b"dev", b"shm", rest @ ..] => {
            Some(rest)
        }
        _ => None,
    }
}

/// What the names in a path say of it: that keys or passwords are kept there, or that programs read it when they
/// start. Hidden files are where programs look for their settings, and no list of them is complete.
fn named(path: &[&[u8]]) -> Option<&'static str> {
    if path.iter().any(|part| CREDENTIALS.contains(part)) {
        return Some("credentials");
    }
    let is_hidden = |part: &&[u8]| {
        part.starts_with(b".") && !part.starts_with(b".tmp") && !CACHES.contains(part)
    };
    let starts =
        |part: &&[u8]| is_hidden(part) || STARTUP.contains(part) || part.ends_with(b".pth");
    path.iter().any(starts).then_some("startup")
}

/// Whether what is written at `path` is shown or thrown away.
fn keeps_nothing(path: &[u8]) -> bool {
    matches!(
        parts(path)[..],
        [b"dev", b"full" | b"null" | b"stderr" | b"stdout" | b"tty" | b"zero"]
            | [b"dev", b"fd" | b"pts", _]
            | [b"proc", b"self", b"fd", _]
    )
}

/// The parts of an absolute path, without `.`, `..` and empty ones.
fn parts(path: &[u8]) -> Vec<&[u8]> {
    places::absolute(path, Some(b"")).unwrap_or_default()
}

/// As [`parts`] of a relative path; none if it leads above where it starts.
fn parts_or_none(path: &[u8]) -> Option<Vec<&[u8]>> {
    let mut depth = 0_usize;
    for part in path.split(|&byte| byte == b'/') {
        depth = match part {
            b"" | b"." => depth,
            b".." => depth.checked_sub(1)?,
            _ => depth + 1,
        };
    }
    Some(parts(path))
}

#[cfg(test)]
mod tests;
