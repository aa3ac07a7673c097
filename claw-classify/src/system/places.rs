//! Paths as a call names them, and what kind of place they are.
//!
//! Input: a path, the working directory and the home folder of a call. Output: the absolute path,
//! and names for where it is. Only the text is read: `.` and `..` are resolved in it, symbolic
//! links are not.

use std::borrow::Cow;
use std::collections::BTreeSet;

use claw_policy::{Action, Reading, Set, Value};

use crate::call::{Call, text};
use crate::system::file::OnFiles;

/// What [`Places::names`] gives, for the documentation and for the check of policies.
pub(crate) const NAMES: &[&str] = &[
    "device",
    "home",
    "inside",
    "outside",
    "repository",
    "root",
    "system",
    "temporary",
    "working_directory",
];

/// Devices that store nothing.
const HARMLESS_DEVICES: &[&str] =
    &["full", "null", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];

/// Folders of the system, directly under the root.
const SYSTEM: &[&str] = &[
    "bin", "boot", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "run", "sbin", "srv",
    "sys", "usr", "var",
];

/// Whether a folder of this name under the root belongs to the system.
pub(crate) fn is_of_system(name: &[u8]) -> bool {
    SYSTEM.iter().any(|folder| folder.as_bytes() == name)
}

/// The paths that a call names, resolved one by one.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    cwd: Option<&'a [u8]>,
    /// What relative paths are relative to.
    base: Option<Cow<'a, [u8]>>,
    home: Option<&'a [u8]>,
    /// The absolute paths so far.
    pub(crate) paths: BTreeSet<String>,
    /// The kinds of place they are.
    pub(crate) names: BTreeSet<String>,
    /// Whether a path could not be resolved.
    pub(crate) unknown: bool,
    /// What relative paths are relative to where that is not proven.
    unproven: Option<&'a [u8]>,
    /// Whole places that are among the paths, also where their place is not proven.
    whole: BTreeSet<&'static str>,
}

impl<'a> Places<'a> {
    /// None yet.
    pub(crate) fn of(call: &Call<'a>) -> Self {
        let cwd = call.cwd().filter(|cwd| cwd.starts_with(b"/"));
        Self {
            cwd,
            base: cwd.map(Cow::Borrowed),
            home: call.var("HOME").filter(|home| home.starts_with(b"/")),
            paths: BTreeSet::new(),
            names: BTreeSet::new(),
            unknown: false,
            unproven: call.ground.and_then(|ground| ground.working_directory()),
            whole: BTreeSet::new(),
        }
    }

    /// From here on relative paths are below `folder`, as with `tar -C`.
    pub(crate) fn below(&mut self, folder: &'a [u8]) {
        if folder.starts_with(b"/") {
            self.base = Some(Cow::Borrowed(folder));
        } else if let Some(base) = &mut self.base {
            let base = base.to_mut();
            base.push(b'/');
            base.extend_from_slice(folder);
        }
    }

    /// Adds `path`.
    pub(crate) fn add(&mut self, path: &[u8]) {
        let base = self.base.as_deref().or(self.unproven);
        if let Some(parts) = absolute(path, base) {
            let home = self.home.and_then(|home| absolute(home, None));
            self.whole.extend(whole(&parts, home.as_deref()));
        }
        let Some(parts) = absolute(path, self.base.as_deref()) else {
            self.unknown = true;
            return;
        };
        name(&parts, self.cwd, self.home, &mut self.names);
        let mut whole = String::with_capacity(path.len() + 16);
        for part in &parts {
            whole.push('/');
            whole.push_str(&text(part));
        }
        if whole.is_empty() {
            whole.push('/');
        }
        self.paths.insert(whole);
    }

    /// Sets the paths and their kinds of place as facts of `action`.
    pub(crate) fn set(self, action: &mut Action) {
        const WHY: &str = "the working directory is not known";
        let is = |name: &str, value: &Value| action.fact(name) == Some(Reading::Known(value));
        let recursive = is("recursive", &Value::from(true));
        let effect = |names: &[&str]| names.iter().any(|name| is("effect", &Value::from(*name)));
        let wipes =
            (recursive && effect(&["delete", "mode", "owner"])) || effect(&["format", "overwrite"]);
        let devices = effect(&["format", "overwrite"]);
        let wiped = self.whole.iter().filter(|place| wipes && (**place == "device") == devices);
        action.set(OnFiles::WIPES, wiped.copied().collect::<Set>());
        if self.unknown {
            action.set_opaque(OnFiles::TARGETS, WHY);
        } else {
            action.set(OnFiles::TARGETS, self.paths);
        }
        if self.cwd.is_none() && (self.unknown || !self.names.is_empty()) {
            action.set_opaque(OnFiles::PLACES, WHY);
        } else {
            action.set(OnFiles::PLACES, self.names);
        }
    }
}

/// The place that a path is the whole of: everything, a home folder or all of them, a folder that the system is made
/// of, a device.
fn whole(parts: &[&[u8]], home: Option<&[&[u8]]>) -> Option<&'static str> {
    let names = |list: &[&str], part: &[u8]| list.iter().any(|name| name.as_bytes() == part);
    match parts {
        [] => Some("root"),
        [b"home" | b"root"] | [b"home", _] => Some("home"),
        _ if home == Some(parts) => Some("home"),
        [b"dev", b"fd" | b"shm" | b"pts", ..] => None,
        [b"dev", device, ..] if !names(HARMLESS_DEVICES, device) => Some("device"),
        [b"dev"] | [b"usr", _] => Some("system"),
        [folder] if is_of_system(folder) => Some("system"),
        _ => None,
    }
}

/// Adds the kinds of place that the path of `parts` is.
fn name<'p>(
    parts: &[&[u8]],
    cwd: Option<&'p [u8]>,
    home: Option<&'p [u8]>,
    names: &mut BTreeSet<String>,
) {
    let mut note = |name: &str| {
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
    };
    let is = |at: usize, name: &str| parts.get(at).is_some_and(|part| *part == name.as_bytes());
    if parts.is_empty() {
        note("root");
    }
    let temporary =
        is(0, "tmp") || (is(0, "var") && is(1, "tmp")) || (is(0, "dev") && is(1, "shm"));
    if temporary {
        note("temporary");
    } else if is(0, "dev") {
        if !parts.get(1).is_some_and(|part| {
            HARMLESS_DEVICES.iter().any(|name| name.as_bytes() == *part) || *part == b"fd"
        }) {
            note("device");
        }
    } else if parts.first().is_some_and(|first| is_of_system(first)) {
        note("system");
    }
    if parts.contains(&&b".git"[..]) {
        note("repository");
    }
    let folder = |path: Option<&'p [u8]>| path.and_then(|path| absolute(path, None));
    if folder(home).is_some_and(|home| home.starts_with(parts)) {
        note("home");
    }
    note(match folder(cwd) {
        Some(cwd) if cwd.starts_with(parts) => "working_directory",
        Some(cwd) if parts.starts_with(&cwd) => "inside",
        _ => "outside",
    });
}

/// The parts of `path` without `.`, `..` and empty ones; none if it is relative and `cwd` is not
/// known.
pub(crate) fn absolute<'p>(path: &'p [u8], cwd: Option<&'p [u8]>) -> Option<Vec<&'p [u8]>> {
    let mut parts = Vec::new();
    let start = if path.starts_with(b"/") { &b""[..] } else { cwd? };
    for part in start.split(|&byte| byte == b'/').chain(path.split(|&byte| byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use claw_policy::Reading;

    fn shown(path: &str, cwd: Option<&str>) -> String {
        let env: &[&[u8]] = &[b"HOME=/home/me"];
        let call = Call { cwd: cwd.map(str::as_bytes), env, ..Call::default() };
        let mut places = Places::of(&call);
        places.add(path.as_bytes());
        let names: Vec<_> = places.names.iter().map(String::as_str).collect();
        let path: Vec<_> = places.paths.iter().map(String::as_str).collect();
        if places.unknown {
            "?".to_owned()
        } else {
            format!("{} {}", path.join(","), names.join(","))
        }
    }

    #[test]
    fn places() {
        for (path, expected) in [
            ("/", "/ home,root,working_directory"),
            ("/etc/passwd", "/etc/passwd outside,system"),
            ("a/../../b", "/home/me/b outside"),
            ("a", "/home/me/project/a inside"),
            (".", "/home/me/project working_directory"),
            ("..", "/home/me home,working_directory"),
            ("../project/.git/config", "/home/me/project/.git/config inside,repository"),
            ("/home/me", "/home/me home,working_directory"),
            ("/home/you", "/home/you outside"),
            ("/dev/sda", "/dev/sda device,outside"),
            ("/dev/null", "/dev/null outside"),
            ("/dev/shm/x", "/dev/shm/x outside,temporary"),
            ("/tmp/x", "/tmp/x outside,temporary"),
            ("/var/tmp/../log", "/var/log outside,system"),
            ("//usr//bin/.", "/usr/bin outside,system"),
        ] {
            assert_eq!(shown(path, Some("/home/me/project")), expected, "{path}");
        }
        assert_eq!(shown("a", None), "?");
        let call = Call::default();
        let mut places = Places::of(&call);
        places.add(b"/a");
        let mut action = Action::new(&crate::system::file::DOMAIN, "");
        places.set(&mut action);
        assert!(matches!(action.fact("targets"), Some(Reading::Known(_))));
        assert!(matches!(action.fact("places"), Some(Reading::Opaque(_))));
    }
}
