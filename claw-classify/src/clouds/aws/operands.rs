//! What a call is about: buckets, keys, functions, instances, tables, and the files it writes.
//!
//! Input: the command line and what the table says of its operation. Output: the facts `resources`, `buckets`,
//! `keys`, `accounts` and `outputs`, or the reason why nobody can tell.
//!
//! A resource is `TYPE:NAME`. The type is the option without `-name`, `-id`, `-arn` and similar endings:
//! `--function-name f`, `--function-name arn:aws:lambda:eu-west-1:1:function:f` and `1:function:f:live` are all
//! `function:f`. A bucket and a key are the same however they are spelled.
//!
//! Known gaps: what stands inside a structure (`--filters`, `--targets`) is not a resource.

use std::collections::BTreeSet;

use super::command_line::{CommandLine, abbreviates};
use super::operations::Operation;
use crate::call::{excerpt, text};

/// What a call names.
#[derive(Debug, Default)]
pub(super) struct Operands {
    pub(super) resources: BTreeSet<String>,
    pub(super) buckets: BTreeSet<String>,
    pub(super) keys: BTreeSet<String>,
    pub(super) accounts: BTreeSet<String>,
}

/// Options that bring all parameters as one document.
const DOCUMENTS: &[&str] = &["--cli-input-json", "--cli-input-yaml"];

/// Reads what a call of `service` and `operation` is about.
///
/// # Errors
/// If a parameter comes from a document or a file, or if an option is not spelled in full.
pub(super) fn read(
    service: &str,
    operation: Operation,
    line: &CommandLine<'_>,
) -> Result<Operands, String> {
    let mut found = Operands::default();
    if DOCUMENTS.iter().any(|option| line.may_have(option)) {
        return Err("the parameters are in a document that is not read".to_owned());
    }
    if service == "s3" {
        for word in &line.words {
            if let Some(place) = word.strip_prefix(b"s3://") {
                found.place(service, &text(place))?;
            }
        }
        return Ok(found);
    }
    for (given, values) in line.options() {
        let name = given.strip_prefix(b"--").map(text).unwrap_or_default();
        let Some(name) = operation.operands().find(|known| *known == name) else {
            let may_be = |known: &&str| abbreviates(given, &format!("--{known}"));
            if operation.operands().any(|known| may_be(&known)) {
                return Err(format!("`{}` may be short for another option", excerpt(&text(given))));
            }
            continue;
        };
        // The file that the operation writes may be right behind the value.
        let most = if operation.writes_file() { 1 } else { usize::MAX };
        for value in values.into_iter().take(most) {
            let value = text(value);
            if value.contains("://") && !name.ends_with("url") {
                return Err(format!("the value of `--{name}` is not in the call"));
            }
            if name == "copy-source" {
                found.place(service, value.trim_start_matches('/'))?;
            } else {
                found.value(service, name, &value)?;
            }
        }
    }
    Ok(found)
}

impl Operands {
    /// Takes `BUCKET/KEY`.
    fn place(&mut self, service: &str, place: &str) -> Result<(), String> {
        if place.starts_with("arn:") || (service != "s3" && place.contains(['%', '?'])) {
            return Err(format!("which bucket `{}` leads to is not in the call", excerpt(place)));
        }
        let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
        if !bucket.is_empty() {
            self.value(service, "bucket", bucket)?;
        }
        if !key.is_empty() {
            self.value(service, "key", key)?;
        }
        Ok(())
    }

    fn value(&mut self, of: &str, option: &str, value: &str) -> Result<(), String> {
        let kind = kind(option);
        let mut name = value;
        // A list can be one word, as JSON. A key may begin so.
        if value.starts_with(['[', '{']) && kind != "key" {
            return Err(format!("the value of `--{option}` is a document"));
        }
        if let Some(arn) = value.strip_prefix("arn:") {
            // PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
            let parts: Vec<&str> = arn.splitn(5, ':').collect();
            let [_, service, _, account, resource] = parts[..] else {
                return Err(format!("`{}` is no name of a resource", excerpt(value)));
            };
            if !account.is_empty() {
                self.accounts.insert(account.to_owned());
            }
            if service == "s3" && kind == "bucket" && !account.is_empty() {
                return Err(format!(
                    "which bucket `{}` leads to is not in the call",
                    excerpt(value)
                ));
            }
            name = resource;
        }
        if kind == "function" {
            // NAME, NAME:QUALIFIER, ACCOUNT:function:NAME, or an ARN of each.
            if let Some((account, _)) = name.split_once(":function:") {
                self.accounts.insert(account.to_owned());
            }
            name = name.rsplit_once("function:").map_or(name, |(_, rest)| rest);
            name = name.split(':').next().unwrap_or(name);
        } else if value.starts_with("arn:") {
            // `cluster/c` and `instance:i` name their type again.
            let again = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix(['/', ':']));
            name = again.unwrap_or(name);
        }
        match kind {
            "bucket" | "key" if !of.starts_with("s3") => {}
            "bucket" => drop(self.buckets.insert(name.to_owned())),
            "key" => drop(self.keys.insert(name.to_owned())),
            "account" | "aws-account" => drop(self.accounts.insert(name.to_owned())),
            _ => {}
        }
        self.resources.insert(format!("{kind}:{name}"));
        Ok(())
    }
}

/// The type of what `option` names.
fn kind(option: &str) -> &str {
    const ENDINGS: &[&str] =
        &["-identifiers", "-identifier", "-names", "-name", "-ids", "-id", "-arns", "-arn", "-url"];
    let kind = ENDINGS.iter().find_map(|ending| option.strip_suffix(ending)).unwrap_or(option);
    // `--clusters` and `--cluster` speak of the same things.
    match kind.strip_suffix('s') {
        Some(one) if option == kind && !one.ends_with(['s', 'u']) => one,
        _ => kind,
    }
}

/// The file that the operation writes, where it writes one. It is the one word that is neither an option nor
/// right behind one.
///
/// # Errors
/// If there is no such word, or more than one.
pub(super) fn output(
    operation: Operation,
    line: &CommandLine<'_>,
) -> Result<Option<String>, String> {
    if !operation.writes_file() {
        return Ok(None);
    }
    let words: Vec<&[u8]> = line.loose().collect();
    match words[..] {
        [file] => Ok(Some(plain(&text(file)))),
        _ => Err("which word is the file that is written cannot be told".to_owned()),
    }
}

/// A path without its empty and `.` parts.
fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}
