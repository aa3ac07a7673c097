//! Which files curl writes: what it fetches, and what it keeps beside.
//!
//! Sources: curl(1) 8.5, `src/tool_operate.c`.

use crate::call::Call;
use crate::call::outputs::join;

/// The files that the options of one operation name.
#[derive(Debug, Default)]
pub(super) struct Saves {
    /// Files for bodies, which are below `folder`.
    bodies: Vec<String>,
    /// Files for everything else.
    others: Vec<String>,
    /// Whether a file gets the last name of the URL.
    by_url: bool,
    /// Whether the server may name the file.
    by_server: bool,
    folder: Option<String>,
    unknown: Option<&'static str>,
}

impl Saves {
    /// Takes in one option.
    pub(super) fn option(&mut self, name: &str, on: bool, value: &str) {
        match name {
            "output" if value.contains('#') => {
                self.unknown = Some("a part of the URL stands in the name of curl's output file");
            }
            "output" if value != "-" => self.bodies.push(value.to_owned()),
            "output-dir" => self.folder = Some(value.to_owned()),
            "remote-name" | "remote-name-all" => self.by_url |= on,
            "remote-header-name" => self.by_server |= on,
            "trace" | "trace-ascii" if value == "%" => {}
            "dump-header" | "cookie-jar" | "trace" | "trace-ascii" | "stderr" | "libcurl"
            | "etag-save" | "hsts" | "alt-svc" | "ssl-sessions"
                if !matches!(value, "-" | "") =>
            {
                self.others.push(value.to_owned());
            }
            "write-out" if value.starts_with('@') || value.contains("%output{") => {
                self.unknown = Some("the format of `--write-out` may name files");
            }
            _ => {}
        }
    }

    /// Notes what the operation writes that fetches `urls`.
    pub(super) fn note(&self, call: &Call<'_>, urls: &[String]) {
        let folder = self.folder.as_deref().unwrap_or_default().as_bytes();
        for file in &self.bodies {
            call.writes(join(folder, file.as_bytes()));
        }
        for file in &self.others {
            call.writes(file);
        }
        if let Some(why) = self.unknown {
            call.writes_somewhere(why);
        }
        if !self.by_url {
            return;
        }
        for url in urls {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            let path = path.split_once("://").map_or(path, |(_, rest)| rest);
            let name = path.split_once('/').and_then(|(_, path)| path.rsplit('/').next());
            match name {
                // Words in brackets and braces stand for many names.
                Some(name) if !self.by_server && !name.is_empty() && !name.contains(['[', '{']) => {
                    call.writes(join(folder, name.as_bytes()));
                }
                _ => call.writes_into(folder),
            }
        }
    }
}
