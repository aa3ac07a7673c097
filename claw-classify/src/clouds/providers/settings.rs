//! The settings of gcloud and az, which variables and files give alike: `CLOUDSDK_PROXY_TYPE` is `type` in the section
//! `[proxy]`.
//!
//! Output: the settings that are not known to be harmless. Those of the user's own file may name the account too: it is
//! what the user logged in as.
//!
//! Sources: `core/properties.py`, `core/named_configs.py` and `core/config.py` of Google Cloud SDK 528;
//! `azure/cli/core/_config.py` of Azure CLI 2 and knack's `config.py`.

use std::collections::BTreeSet;

use claw_policy::Action;

use super::Cloud;
use crate::call::files::{Files, NotRead};
use crate::call::{Call, home, text};

/// How one program takes its settings.
pub(super) struct Program {
    /// What its variables begin with.
    pub(super) prefix: &'static str,
    /// Settings that only choose what is shown, and of which project: `SECTION_KEY`.
    pub(super) harmless: &'static [&'static str],
    /// Those that are harmless in the user's own file.
    pub(super) own: &'static [&'static str],
}

/// A file could not be read, or is not one that the program would read.
pub(super) struct Unread(String);

impl Program {
    /// Sets the settings of a call, its variables and its files, as a fact of `action`.
    pub(super) fn set(
        &self,
        action: &mut Action,
        call: &Call<'_>,
        files: Result<Vec<String>, Unread>,
    ) {
        let names = call.env.iter().filter_map(|entry| entry.split(|&byte| byte == b'=').next());
        let variables = names
            .filter(|name| name.starts_with(self.prefix.as_bytes()))
            .map(|name| text(name).into_owned())
            .filter(|name| !self.harmless.contains(&&name[self.prefix.len()..]));
        match files {
            Ok(found) => {
                let all: BTreeSet<String> = variables.chain(found).collect();
                action.set(Cloud::SETTINGS, all);
            }
            Err(Unread(why)) => action.set_opaque(Cloud::SETTINGS, why),
        }
    }

    /// The settings of the file at `path` below the user's home, as `SECTION/KEY`; none if there is no such file.
    pub(super) fn of_file(
        &self,
        call: &Call<'_>,
        files: &dyn Files,
        path: &str,
    ) -> Result<Vec<String>, Unread> {
        let Some(content) = own(call, files, path)? else { return Ok(Vec::new()) };
        let is_harmless = |section: &str, key: &str| {
            let name = format!("{section}_{key}").to_ascii_uppercase();
            self.harmless.contains(&&*name) || self.own.contains(&&*name)
        };
        let mut found = Vec::new();
        let mut section = String::new();
        for line in content.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                section = name.split(']').next().unwrap_or_default().to_owned();
                continue;
            }
            // A line without a value goes on with the one before it, and is taken for a setting of its own.
            let (key, value) = line.split_once(['=', ':']).unwrap_or((line, line));
            let (key, value) = (key.trim(), value.trim());
            if !value.is_empty() && !is_harmless(&section, key) {
                found.push(format!("{section}/{}", key.to_ascii_lowercase()));
            }
        }
        Ok(found)
    }
}

/// What a file below the user's home holds.
pub(super) fn own(
    call: &Call<'_>,
    files: &dyn Files,
    path: &str,
) -> Result<Option<String>, Unread> {
    let unread = || Unread(format!("the settings in `~/{path}` are not read"));
    let homes = home::of_caller(call, files).map_err(|NotRead| unread())?;
    let Some(home) = homes else { return Ok(None) };
    let path = [&home, &b"/"[..], path.as_bytes()].concat();
    let content = files.file(&path).sought().map_err(|NotRead| unread())?;
    Ok(content.map(|content| text(content).into_owned()))
}
