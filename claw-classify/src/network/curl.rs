//! curl: URLs, methods, bodies, files sent and written, and proxies.
//!
//! Input: the call. Output: one action of the domain `http` for each URL, globs expanded.
//!
//! Sources: curl's own table of options (`curl/options.tsv`, `src/tool_getparam.c`), and that file
//! for how a command line is read: long options in any case, abbreviated if that is not ambiguous,
//! `--no-` before switches, letters bundled, `--next` for another operation; `src/tool_parsecfg.c`
//! for configuration files; `src/tool_urlglob.c` for globs.
//!
//! Known gaps: the command line does not say where redirects lead. `--variable` and `--expand-*`
//! are opaque. So are requests of two sorts at once, which curl refuses, a glob that makes more
//! than 64 URLs, and the path in which a longer range occurs. A default `.curlrc` is read where its
//! content is known, wherever some release looks for it, and counts as absent where it is not.

mod arguments;
mod form;
mod glob;
mod saves;

use claw_policy::Action;

use crate::call::files::Files;
use crate::call::home;
use crate::call::{Call, Stdin, text};
use crate::loaders::Loads;
use crate::network::http::{self, Http, Request};
use crate::secret::marks::{Given, Holds, Marks, marks, option, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
use arguments::Setting;
use glob::Expanded;
use saves::Saves;

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] = &[marks(
    &[TOOL.names],
    &[
        option(
            "-u --user -U --proxy-user -E --cert --proxy-cert",
            Given::Anyhow,
            Holds::UserPassword,
        ),
        option(
            "-H --header --proxy-header -d --data --data-raw --data-ascii --data-binary --data-urlencode --json -F --form --form-string -x --proxy --variable",
            Given::Anyhow,
            Holds::Text,
        ),
        option("-b --cookie", Given::Anyhow, Holds::Cookie),
        secret("--oauth2-bearer --pass --proxy-pass --tlspassword --proxy-tlspassword"),
    ],
)
.bundled("AbcCdDeEFhHKmoPQrtTuUwxXyYz")
.abbreviated()];

/// curl's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "curl",
    names: &["curl"],
    doc: "The whole command line, configuration files whose content is known, globs and the proxies of the environment are read; where a redirect leads is not known, and variables and `--expand-*` are opaque.",
    denial: Denial { prefix: "curl: (1) ", status: 1 },
    can: Abilities::of(Family::Transfers),
    domains: &[&http::DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

/// The settings between two `--next`.
#[derive(Debug, Default)]
struct Operation {
    urls: Vec<String>,
    request: Request,
    custom: Option<String>,
    get: bool,
    head: bool,
    data: bool,
    form: bool,
    /// Commands of protocols other than HTTP.
    commands: bool,
    /// The first is sent to the first URL, and so on.
    uploads: Vec<String>,
    glob_off: bool,
    guess: Option<String>,
    saves: Saves,
}

/// How deep configuration files may include each other.
const DEPTH: usize = 4;

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    let configs = match default_configs(call, files) {
        Ok(configs) => configs,
        Err(reason) => return vec![http::opaque(call, reason)],
    };
    let mut actions: Vec<Action> = Vec::new();
    for config in configs {
        let mut read = configured(call, files, config);
        // One reading may make the same transfer twice.
        read.retain(|action| !actions.contains(action));
        actions.append(&mut read);
    }
    actions
}

/// The actions of the call after the settings of one configuration file.
fn configured(call: &Call<'_>, files: &dyn Files, mut line: Vec<Setting>) -> Vec<Action> {
    let mut operations = vec![Operation::default()];
    if let Err(reason) = arguments::read(call.argv, &mut line) {
        return vec![http::opaque(call, reason)];
    }
    match gather(call, files, line, &mut operations, 0) {
        Ok(Flow::Informs) => return vec![http::local(call)],
        Ok(Flow::Goes) => {}
        Err(reason) => return vec![http::opaque(call, reason)],
    }
    let actions: Vec<Action> =
        operations.into_iter().flat_map(|operation| operation.actions(call)).collect();
    // Without a URL curl says so and ends.
    if actions.is_empty() { vec![http::local(call)] } else { actions }
}

#[derive(Debug, PartialEq, Eq)]
enum Flow {
    Goes,
    /// curl prints something about itself and ends.
    Informs,
}

/// The settings of each file that may be the default configuration file, which curl reads unless
/// `-q` comes first; and no settings at all. curl reads the first of the files that it finds. Which
/// one is first, and whether it can be read, differs between releases and users, so each
/// possibility counts (`conf_list` in `src/tool_findfile.c`).
fn default_configs(call: &Call<'_>, files: &dyn Files) -> Result<Vec<Vec<Setting>>, String> {
    let first = call.argv.get(1).copied().unwrap_or_default();
    if first.starts_with(b"-q") || first.eq_ignore_ascii_case(b"--disable") {
        return Ok(vec![Vec::new()]);
    }
    let own = call.var("CURL_HOME").filter(|home| !home.is_empty());
    if let Some(home) = own
        && files.file(&[home, b"/.curlrc"].concat()).named().is_err()
    {
        return Err("the configuration file in CURL_HOME is not read".to_owned());
    }
    let desktop = call.var("XDG_CONFIG_HOME").filter(|home| !home.is_empty());
    let mut places: Vec<Vec<u8>> =
        desktop.iter().map(|home| [home, &b"/curlrc"[..]].concat()).collect();
    let homes = own.into_iter().chain(desktop).map(<[u8]>::to_vec);
    for home in homes.chain(home::all(call, files).map_err(|_| home::UNREAD)?) {
        places.push([&home, &b"/.curlrc"[..]].concat());
        places.push([&home, &b"/.config/curlrc"[..]].concat());
    }
    let mut configs = Vec::new();
    for place in places {
        let unread = |_| format!("the configuration file `{}` is not read", text(&place));
        if let Some(content) = files.file(&place).sought().map_err(unread)? {
            let mut line = Vec::new();
            arguments::config(content, &mut line)?;
            configs.push(line);
        }
    }
    configs.push(Vec::new());
    Ok(configs)
}

fn gather(
    call: &Call<'_>,
    files: &dyn Files,
    line: Vec<Setting>,
    operations: &mut Vec<Operation>,
    depth: usize,
) -> Result<Flow, String> {
    for setting in line {
        let Setting { name, on, value } = setting;
        match name {
            "help" | "version" | "manual" => return Ok(Flow::Informs),
            "next" => {
                // Without a URL before it curl refuses; the operation continues here.
                operations.push(Operation::default());
                continue;
            }
            "config" => {
                let content = match (value.as_str(), call.stdin()) {
                    ("-", Stdin::Content(content)) => Some(content),
                    ("-", Stdin::Null | Stdin::Terminal | Stdin::Unknown) => None,
                    (path, _) => files.file(path.as_bytes()).named().ok().flatten(),
                };
                let Some(content) = content else {
                    return Err(format!("the configuration file `{value}` is not read"));
                };
                if depth == DEPTH {
                    return Err("configuration files name each other too deeply".to_owned());
                }
                let mut inner = Vec::new();
                arguments::config(content, &mut inner)?;
                if gather(call, files, inner, operations, depth + 1)? == Flow::Informs {
                    return Ok(Flow::Informs);
                }
                continue;
            }
            _ => {}
        }
        if let Some(operation) = operations.last_mut() {
            operation.apply(name, on, value);
        }
    }
    Ok(Flow::Goes)
}

impl Operation {
    fn apply(&mut self, name: &'static str, on: bool, value: String) {
        self.request.options.insert(name.to_owned());
        self.saves.option(name, on, &value);
        let request = &mut self.request;
        match name {
            "url" => self.urls.push(value),
            "request" => self.custom = Some(value),
            "get" => self.get = on,
            "head" => self.head = on,
            "globoff" => self.glob_off = on,
            "proto-default" => self.guess = Some(value.to_ascii_lowercase()),
            "data" | "data-ascii" | "data-binary" | "json" => {
                self.data = true;
                if let Some(file) = value.strip_prefix('@') {
                    request.sends_files.insert(file.to_owned());
                }
                if name == "json" {
                    request.headers.insert("content-type".to_owned());
                }
            }
            "data-raw" => self.data = true,
            "data-urlencode" | "url-query" => {
                self.data |= name == "data-urlencode";
                if let Some(file) = encoded_file(&value) {
                    request.sends_files.insert(file.to_owned());
                }
            }
            "form" => {
                self.form = true;
                request.sends_files.extend(form::files(&value));
            }
            "form-string" => self.form = true,
            "upload-file" => self.uploads.push(value),
            "header" => match value.strip_prefix('@') {
                Some(file) => {
                    request.sends_files.insert(file.to_owned());
                }
                None => request.header(&value),
            },
            "user-agent" => request.header(&format!("user-agent: {value}")),
            "referer" => request.header(&format!("referer: {value}")),
            "cookie" => {
                // Without a `=` it is the name of a file of cookies.
                if value.contains('=') || value.is_empty() {
                    request.header(&format!("cookie: {value}"));
                } else {
                    request.sends_files.insert(value);
                }
            }
            "etag-compare" => {
                request.sends_files.insert(value);
            }
            "request-target" => {
                if value.contains(|char: char| char.is_control() || char == ' ') {
                    request.opaque = Some("the request target holds blanks".to_owned());
                }
                request.target = Some(value);
            }
            "proxy" | "socks4" | "socks4a" | "socks5" | "socks5-hostname" | "proxy1.0" => {
                request.proxy = Some(value);
            }
            "preproxy" => {
                request.detours.insert(name.to_owned());
            }
            "noproxy" => request.no_proxy = Some(value),
            "connect-to"
            | "resolve"
            | "unix-socket"
            | "abstract-unix-socket"
            | "doh-url"
            | "dns-servers" => {
                request.detours.insert(name.to_owned());
            }
            // curl reads the file, and writes it back.
            "alt-svc" => {
                request.detours.insert(name.to_owned());
                request.outputs.insert(value);
            }
            "location-trusted" => {
                request.redirects |= on;
                if on {
                    request.detours.insert(name.to_owned());
                }
            }
            "location" | "follow" => request.redirects |= on,
            // OpenSSL loads an engine's code; the negotiation of NTLM runs `ntlm_auth`.
            "engine" | "ntlm-wb" => {
                request.programs.insert(name.to_owned());
            }
            "variable" => {
                request.opaque = Some("what `--variable` gives is not followed".to_owned());
            }
            "quote" | "mail-from" | "mail-rcpt" | "telnet-option" => self.commands = true,
            // `#1` becomes what the first glob stands for.
            "output" if value.contains('#') => {
                request.outputs.insert("*".to_owned());
            }
            "output" | "dump-header" | "cookie-jar" | "trace" | "trace-ascii" | "stderr"
            | "libcurl" | "etag-save" | "hsts" | "output-dir"
                if value != "-" =>
            {
                request.outputs.insert(value);
            }
            "remote-name" | "remote-name-all" => {
                request.outputs.insert("*".to_owned());
            }
            _ => {}
        }
    }

    fn actions(mut self, call: &Call<'_>) -> Vec<Action> {
        let sorts = [
            self.form,
            self.data && !self.get,
            self.head && !(self.data && self.get),
            !self.uploads.is_empty(),
        ];
        if sorts.iter().filter(|sort| **sort).count() > 1 {
            let reason = "curl refuses a request of two sorts";
            self.request.opaque.get_or_insert(reason.to_owned());
        }
        let urls = std::mem::take(&mut self.urls);
        if !urls.is_empty() {
            self.saves.note(call, &urls);
        }
        let mut actions = Vec::new();
        for (at, url) in urls.iter().enumerate() {
            let upload = self.uploads.get(at);
            let targets = match upload {
                Some(file) => self.expand(file).and_then(|files| {
                    let urls = self.expand(url)?.urls.into_iter();
                    let each = |url: String| {
                        files.urls.iter().map(move |file| (named(&url, file), Some(file.clone())))
                    };
                    Ok((urls.flat_map(each).collect::<Vec<_>>(), false))
                }),
                None => self.expand(url).map(|found| {
                    (found.urls.into_iter().map(|url| (url, None)).collect(), found.ranges)
                }),
            };
            match targets {
                Ok((targets, ranges)) => {
                    for (url, file) in targets {
                        let mut action = self.one(call, &url, file);
                        if ranges {
                            action.set_opaque(Http::PATH, "the URL's range makes many paths");
                        }
                        actions.push(action);
                    }
                }
                Err(reason) => {
                    self.request.opaque.get_or_insert(reason);
                    actions.push(self.one(call, url, upload.cloned()));
                }
            }
        }
        actions
    }

    fn expand(&self, url: &str) -> Result<Expanded, String> {
        if self.glob_off {
            return Ok(Expanded { urls: vec![url.to_owned()], ranges: false });
        }
        glob::expand(url)
    }

    /// The transfer of one URL, and of the file that is sent there.
    fn one(&self, call: &Call<'_>, url: &str, file: Option<String>) -> Action {
        let guess = self.guess.as_deref().unwrap_or_else(|| guess(url));
        let scheme = url.split_once("://").map_or(guess, |(scheme, _)| scheme);
        let speaks = self.commands && !scheme.to_ascii_lowercase().starts_with("http");
        let implied = if self.form || speaks || (self.data && !self.get) {
            "POST"
        } else if file.is_some() {
            "PUT"
        } else if self.head {
            "HEAD"
        } else {
            "GET"
        };
        let mut request = self.request.clone();
        request.method = self.custom.clone().unwrap_or_else(|| implied.to_owned());
        request.body |= matches!(implied, "POST" | "PUT");
        if file.is_some() && scheme.eq_ignore_ascii_case("file") {
            call.writes(url.split_once("://").map_or(url, |(_, path)| path));
        }
        request.sends_files.extend(file);
        request.transfer(call, url, guess)
    }
}

/// The URL that a file is sent to. If it ends in a slash, or has no path, the file's own name is
/// added (`add_file_name_to_url` in `src/tool_operhlp.c`).
fn named(url: &str, file: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let bare = !url[start..].contains('/');
    if matches!(file, "-" | ".") || url.contains(['?', '#']) || !(bare || url.ends_with('/')) {
        return url.to_owned();
    }
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("{url}{}{escaped}", if bare { "/" } else { "" })
}

/// `[NAME]@FILE`, if no `=` comes before the `@`.
fn encoded_file(value: &str) -> Option<&str> {
    let before_value = value.split_once('=').map_or(value, |(name, _)| name);
    if before_value.len() < value.len() {
        return None;
    }
    value.split_once('@').map(|(_, file)| file)
}

/// The scheme of a URL without one, by how its host begins (libcurl, `guess_scheme`).
fn guess(url: &str) -> &'static str {
    const BY_HOST: &[&str] = &["ftp", "dict", "ldap", "imap", "smtp", "pop3"];
    let host = url.to_ascii_lowercase();
    let named =
        |scheme: &&&str| host.strip_prefix(**scheme).is_some_and(|rest| rest.starts_with('.'));
    BY_HOST.iter().find(named).copied().unwrap_or("http")
}

/// Bytes as text. Bytes that are not text stay recognisable as such.
fn own(bytes: &[u8]) -> String {
    text(bytes).into_owned()
}

#[cfg(test)]
mod tests;
