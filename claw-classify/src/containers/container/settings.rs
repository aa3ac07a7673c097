//! docker's own settings file: which engine it is for, and what else it may load.
//!
//! Sources: docker's manual of `config.json`; `cli/command/cli.go` (`resolveContextName`) and
//! `cli/context/store/metadatastore.go` of docker/cli 27.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::call::files::Files;

/// The key whose folders hold plug-ins. `plugins` only sets options of plug-ins that are installed.
const FOLDERS: &str = "cliPluginsExtraDirs";
/// The key that has a plug-in stand in for a command of docker's own.
const ALIASES: &str = "aliases";
/// What `docker buildx install` writes there.
const USUAL_ALIAS: (&str, &str) = ("builder", "buildx");

const UNREAD: &str = "docker's settings are not read";

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The folder that it is in.
    folder: Vec<u8>,
    /// The context that holds where neither the call nor a variable names one.
    pub(super) context: Option<String>,
    /// The keys that lead to programs which the call does not name.
    pub(super) programs: Vec<&'static str>,
}

impl Settings {
    /// Reads the file of the call.
    ///
    /// # Errors
    /// Why it is not read.
    pub(super) fn of(call: &Call<'_>, files: &dyn Files) -> Result<Self, &'static str> {
        let chosen = call.var("DOCKER_CONFIG").filter(|folder| !folder.is_empty());
        let home = call.var("HOME").unwrap_or_default();
        let folder = chosen.map_or_else(|| [home, b"/.docker"].concat(), <[u8]>::to_vec);
        let file = files.settings(&[&folder[..], b"/config.json"].concat());
        let content = if chosen.is_some() { file.kept() } else { file.sought() };
        let Some(content) = content.map_err(|_| UNREAD)? else {
            return Ok(Self { folder, ..Self::default() });
        };
        let table: Value = serde_json::from_slice(content).map_err(|_| UNREAD)?;
        let context = key(&table, "currentContext").and_then(Value::as_str);
        let folders = key(&table, FOLDERS).and_then(Value::as_array);
        let aliases = key(&table, ALIASES).and_then(Value::as_object);
        let usual = |(name, plugin): (&String, &Value)| {
            (name.as_str(), plugin.as_str()) == (USUAL_ALIAS.0, Some(USUAL_ALIAS.1))
        };
        let named = [
            folders.is_some_and(|folders| !folders.is_empty()).then_some(FOLDERS),
            (!aliases.is_none_or(|aliases| aliases.iter().all(usual))).then_some(ALIASES),
        ];
        Ok(Self {
            context: context.filter(|name| !name.is_empty()).map(str::to_owned),
            programs: named.into_iter().flatten().collect(),
            folder,
        })
    }

    /// The address of the engine that a context is; nothing for docker's own, and where there is no such context.
    ///
    /// # Errors
    /// Why it is not read.
    pub(super) fn engine(
        &self,
        context: &str,
        files: &dyn Files,
    ) -> Result<Option<String>, &'static str> {
        if context == "default" {
            return Ok(None);
        }
        let digest: String =
            Sha256::digest(context).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/contexts/meta/{digest}/meta.json");
        let file = files.file(&[&self.folder[..], path.as_bytes()].concat());
        let Some(content) = file.sought().map_err(|_| UNREAD)? else { return Ok(None) };
        let table: Value = serde_json::from_slice(content).map_err(|_| UNREAD)?;
        let endpoints = key(&table, "Endpoints").and_then(|all| key(all, "docker"));
        let host = endpoints.and_then(|docker| key(docker, "Host")).and_then(Value::as_str);
        Ok(host.filter(|host| !host.is_empty()).map(str::to_owned))
    }
}

/// The value of a key: Go's decoder takes keys in letters of either case.
fn key<'v>(table: &'v Value, name: &str) -> Option<&'v Value> {
    let mut all = table.as_object().into_iter().flatten();
    all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::files::One;

    fn found(content: &'static str) -> (Option<String>, Vec<&'static str>) {
        let call = Call { env: &[b"HOME=/h"], ..Call::default() };
        let found = Settings::of(&call, &One(b"/h/.docker/config.json", content.as_bytes()));
        found.map(|found| (found.context, found.programs)).unwrap_or((None, vec!["unread"]))
    }

    #[test]
    fn what_is_written_by_docker_itself_leads_to_no_programs() {
        for (content, context, programs) in [
            ("{}", None, &[][..]),
            (
                r#"{"auths": {}, "credsStore": "desktop", "currentContext": "desktop-linux"}"#,
                Some("desktop-linux"),
                &[],
            ),
            (
                r#"{"plugins": {"-x-cli-hints": {"enabled": "true"}}, "features": {"hooks": "true"}}"#,
                None,
                &[],
            ),
            (r#"{"aliases": {"builder": "buildx"}}"#, None, &[]),
            (r#"{"aliases": {"builder": "other"}}"#, None, &["aliases"]),
            (r#"{"CLIPluginsExtraDirs": ["/tmp/p"]}"#, None, &["cliPluginsExtraDirs"]),
            (r#"{"currentcontext": "far"}"#, Some("far"), &[]),
            ("{", None, &["unread"]),
        ] {
            let found = found(content);
            assert_eq!((found.0.as_deref(), &*found.1), (context, programs), "{content}");
        }
    }
}
