//! Where git looks for the settings that a call has: the user's, the machine's, and those of the repository that it finds.
//!
//! Sources: `setup.c` (`setup_git_directory_gently_1`, `is_git_directory`, `get_common_dir`), `config.c`
//! (`do_git_config_sequence`, `handle_path_include`) and git-config(1), git 2.39 to 2.47.
//!
//! Whether git takes a folder for a repository depends on more than can be seen from here (links, owners, file systems).
//! So each folder on the way up that may be one counts: the settings of the innermost hold, those of the others may. If
//! even the innermost is only perhaps one, the settings are not known.

use super::config::{self, Setting, Source};
use super::walk::Start;
use crate::call::files::{AtPath, Files};
use crate::call::{Call, text};

/// How deep files of settings may include one another, `MAX_INCLUDE_DEPTH` in `config.c`.
const INCLUDES: usize = 10;

/// Where the machine's settings are.
const SYSTEM: &[u8] = b"/etc/gitconfig";

/// Reads the settings of a call.
pub(super) struct Search<'c> {
    call: &'c Call<'c>,
    files: &'c dyn Files,
    /// What was found, in git's order.
    pub(super) settings: Vec<Setting>,
    /// Whether the repository is known, and its settings are among them.
    pub(super) repository: bool,
    /// Why settings may be missing: the first file that could not be read.
    pub(super) unread: Option<String>,
    /// The ref that is checked out in the innermost repository; none if that is not known.
    pub(super) head: Option<String>,
}

/// A folder that git may take for a repository.
struct Candidate {
    git_dir: Vec<u8>,
    /// Whether git surely does, as far as what is in it says.
    sure: bool,
}

impl<'c> Search<'c> {
    /// The settings that files give to `call`, which begins with `start`.
    pub(super) fn of(call: &'c Call<'c>, files: &'c dyn Files, start: &Start) -> Self {
        let mut search =
            Self { call, files, settings: Vec::new(), repository: false, unread: None, head: None };
        if !call.var("GIT_CONFIG_NOSYSTEM").is_some_and(is_true) {
            search.file(SYSTEM, Source::Machine, 0);
        }
        search.users_own();
        let candidates = search.candidates(start);
        if let Some(Candidate { git_dir, sure: false }) = candidates.first() {
            let reason = format!("whether `{}` is a repository cannot be told", text(git_dir));
            search.unread.get_or_insert(reason);
        }
        if let Some(Candidate { git_dir, sure: true }) = candidates.first() {
            search.head = match files.file(&join(git_dir, b"HEAD")).at_path() {
                AtPath::File(head) => {
                    head.strip_prefix(b"ref:").map(|name| text(name).trim().to_owned())
                }
                AtPath::NotLookedAt | AtPath::Unreadable | AtPath::Absent | AtPath::Folder(_) => {
                    None
                }
            };
        }
        // The innermost last, as its settings come last.
        for (at, candidate) in candidates.iter().enumerate().rev() {
            let sure = at == 0 && candidate.sure;
            search.candidate(candidate, if sure { Source::Call } else { Source::Perhaps });
        }
        search
    }

    fn cannot_read(&mut self, path: &[u8]) {
        self.unread.get_or_insert_with(|| format!("the settings in `{}` are not read", text(path)));
    }

    /// `git_global_config` in `config.c`.
    fn users_own(&mut self) {
        let variable = |name| self.call.var(name).filter(|value: &&[u8]| !value.is_empty());
        if let Some(chosen) = self.call.var("GIT_CONFIG_GLOBAL") {
            if !chosen.is_empty() {
                self.file(chosen, Source::Call, 0);
            }
            return;
        }
        let home = self.call.var("HOME");
        let desktop = match (variable("XDG_CONFIG_HOME"), home) {
            (Some(folder), _) => Some([folder, b"/git/config"].concat()),
            (None, Some(home)) => Some([home, b"/.config/git/config"].concat()),
            (None, None) => None,
        };
        let own = home.map(|home| [home, b"/.gitconfig"].concat());
        for path in desktop.into_iter().chain(own) {
            self.file(&path, Source::Call, 0);
        }
    }

    /// Reads one file of settings, and those it includes.
    fn file(&mut self, path: &[u8], from: Source, depth: usize) -> bool {
        let content = match self.files.file(path).sought() {
            Ok(Some(content)) => content,
            Ok(None) => return false,
            Err(_) => {
                self.cannot_read(path);
                return false;
            }
        };
        let Ok(settings) = config::parse(content) else {
            self.cannot_read(path);
            return false;
        };
        for setting in settings {
            if !setting.includes() {
                self.settings.push(Setting { from, ..setting });
                continue;
            }
            // Whether the condition of an `includeIf` is true is not asked. What the machine's file includes may be
            // the user's.
            let from = match from {
                Source::Perhaps => Source::Perhaps,
                _ if setting.in_section("includeif") => Source::Perhaps,
                Source::Call | Source::Machine => Source::Call,
            };
            match self.included(&setting.text(), path) {
                Some(included) if depth < INCLUDES => {
                    self.file(&included, from, depth + 1);
                }
                _ => self.cannot_read(setting.text().as_bytes()),
            }
        }
        true
    }

    /// The file that an include of the file `by` names.
    fn included(&self, value: &str, by: &[u8]) -> Option<Vec<u8>> {
        if let Some(rest) = value.strip_prefix("~/") {
            return Some(join(self.call.var("HOME")?, rest.as_bytes()));
        }
        let plain = !value.starts_with(['~', '%']) && !value.is_empty();
        let folder = by.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |at| &by[..at]);
        plain.then(|| join(folder, value.as_bytes()))
    }

    /// The folders that may be the call's repository, the innermost first.
    fn candidates(&mut self, start: &Start) -> Vec<Candidate> {
        let Some(levels) = self.levels(start) else { return Vec::new() };
        if let Some(git_dir) = start.git_dir.as_deref().or_else(|| self.call.var("GIT_DIR")) {
            let git_dir = join(levels.first().map_or(&b""[..], Vec::as_slice), git_dir);
            let git_dir = self.linked(&git_dir).unwrap_or(git_dir);
            return vec![Candidate { git_dir, sure: true }];
        }
        levels.iter().flat_map(|level| self.at(level)).collect()
    }

    /// The folder where git begins, and those above it; nothing where git cannot begin.
    fn levels(&mut self, start: &Start) -> Option<Vec<Vec<u8>>> {
        let folder = start.directory.as_deref().filter(|folder| !folder.is_empty());
        let folder = folder.unwrap_or(b".");
        match (self.files.file(folder).at_path(), self.call.cwd()) {
            (AtPath::Folder(real), _) => Some(with_parents(real)),
            (AtPath::NotLookedAt, Some(cwd)) => Some(with_parents(&join(cwd, folder))),
            (AtPath::NotLookedAt, None) => {
                let folder = if folder == b"." { b"" } else { folder };
                Some([&b""[..], b"..", b"../.."].map(|up| join(folder, up)).to_vec())
            }
            (AtPath::Absent | AtPath::File(_), _) => None,
            (AtPath::Unreadable, _) => {
                self.cannot_read(folder);
                None
            }
        }
    }

    /// What `level` has that may be a repository: its `.git`, and itself.
    fn at(&mut self, level: &[u8]) -> Vec<Candidate> {
        let inner = join(level, b".git");
        let mut found = Vec::new();
        match self.files.file(&inner).at_path() {
            AtPath::File(_) => {
                found.extend(self.linked(&inner).map(|git_dir| Candidate { git_dir, sure: true }));
            }
            AtPath::Folder(_) | AtPath::NotLookedAt => found.extend(self.folder(inner)),
            AtPath::Absent => {}
            AtPath::Unreadable => self.cannot_read(&inner),
        }
        found.extend(self.folder(level.to_vec()));
        found
    }

    /// Where a `.git` that is a file leads: `read_gitfile_gently` in `setup.c`.
    fn linked(&self, path: &[u8]) -> Option<Vec<u8>> {
        let AtPath::File(content) = self.files.file(path).at_path() else { return None };
        let target = content.strip_prefix(b"gitdir: ")?.trim_ascii_end();
        let folder = path.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |at| &path[..at]);
        Some(join(folder, target))
    }

    /// `is_git_directory` in `setup.c`.
    fn folder(&mut self, git_dir: Vec<u8>) -> Option<Candidate> {
        let at = |name: &[u8]| self.files.file(&join(&git_dir, name)).at_path();
        let elsewhere = ["GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"];
        let elsewhere = elsewhere.iter().any(|name| self.call.var(name).is_some());
        let whole = || {
            elsewhere || [&b"objects"[..], b"refs"].iter().all(|name| at(name) != AtPath::Absent)
        };
        let sure = match at(b"HEAD") {
            AtPath::File(head) => {
                head.starts_with(b"ref:") || head.iter().take(40).all(u8::is_ascii_hexdigit)
            }
            // It can be a link to a branch that does not exist yet, which is a valid one.
            AtPath::Absent | AtPath::Unreadable => false,
            AtPath::Folder(_) => return None,
            // Of a call that is written down only the settings are.
            AtPath::NotLookedAt => {
                let there = matches!(at(b"config"), AtPath::File(_));
                return there.then_some(Candidate { git_dir, sure: true });
            }
        };
        whole().then_some(Candidate { git_dir, sure })
    }

    /// Reads the settings of a repository, and of its work tree.
    fn candidate(&mut self, candidate: &Candidate, from: Source) {
        let git_dir = &candidate.git_dir;
        let common = match self.call.var("GIT_COMMON_DIR") {
            Some(common) => common.to_vec(),
            None => {
                let path = join(git_dir, b"commondir");
                match self.files.file(&path).sought() {
                    Ok(Some(content)) => join(git_dir, content.trim_ascii_end()),
                    Ok(None) => git_dir.clone(),
                    Err(_) => return self.cannot_read(&path),
                }
            }
        };
        let before = self.settings.len();
        let there = self.file(&join(&common, b"config"), from, 0);
        self.repository |= there && from == Source::Call;
        let per_tree =
            |setting: &Setting| setting.key == "extensions.worktreeconfig" && setting.is_true();
        if self.settings[before..].iter().any(per_tree) {
            self.file(&join(git_dir, b"config.worktree"), from, 0);
        }
    }
}

fn is_true(value: &[u8]) -> bool {
    !matches!(&*text(value).to_ascii_lowercase(), "" | "0" | "false" | "no" | "off")
}

/// `path` as seen from `folder`.
fn join(folder: &[u8], path: &[u8]) -> Vec<u8> {
    match (folder, path) {
        (_, [b'/', ..]) => path.to_vec(),
        (_, b"" | b".") => folder.to_vec(),
        (b"", _) => path.to_vec(),
        (_, _) => [folder.strip_suffix(b"/").unwrap_or(folder), b"/", path].concat(),
    }
}

/// An absolute path and the folders above it, up to the root.
fn with_parents(path: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut levels = Vec::with_capacity(parts.len() + 1);
    loop {
        levels.push([&b"/"[..], &parts.join(&b'/')].concat());
        if parts.pop().is_none() {
            return levels;
        }
    }
}
