//! wget: URLs, methods, bodies, files sent and written, and proxies.
//!
//! Input: the call. Output: one action of the domain `http` for each URL.
//!
//! Sources: wget's own help and `src/main.c` for its options (`wget/options.tsv`), `src/init.c` for
//! the commands of `-e` and of start-up files: case, `-` and `_` in their names do not matter.
//!
//! Known gaps: the command line does not name the pages that are fetched because others link to
//! them (`-r`, `-p`); `spans_hosts` says when they may be other hosts'. Lists of URLs (`-i`) and
//! start-up files are read where their content is known; a default `.wgetrc` that is not known
//! counts as absent.

use std::sync::LazyLock;

use claw_policy::Action;

use crate::call::files::{Files, NotRead};
use crate::call::home;
use crate::call::{Call, Stdin, text};
use crate::grammar::getopt::{self, Item, Opt, Takes};
use crate::grammar::options::rows;
use crate::loaders::Loads;
use crate::network::http::{self, Request};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

/// wget's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "wget",
    names: &["wget"],
    doc: "The whole command line, lists of URLs and start-up files whose content is known, and the proxies of the environment are read; where links and redirects lead is not known.",
    denial: Denial { prefix: "wget: ", status: 1 },
    can: Abilities::of(Family::Transfers),
    domains: &[&http::DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

/// The table as getopt_long(3) gets it: a switch can be given a value after `=`, and has a twin
/// that turns it off. It lives as long as the program.
static OPTIONS: LazyLock<Vec<Opt>> = LazyLock::new(|| {
    let mut options = Vec::new();
    for row in rows(include_str!("wget/options.tsv")) {
        options.push(Opt::of(row));
        if row.more == "no" {
            let off: &'static str = format!("no-{}", row.long).leak();
            options.push(Opt { long: vec![off].leak(), short: None, takes: Takes::Nothing });
        }
    }
    options
});

#[derive(Debug, Default)]
struct Line {
    urls: Vec<String>,
    request: Request,
    method: Option<String>,
    post: bool,
    spider: bool,
    /// Whether an option says where fetched content is written.
    names_outputs: bool,
    /// The file that all content is written to.
    document: Option<String>,
    /// The folder that other content is written to.
    folder: Option<String>,
    /// Files for everything else.
    others: Vec<String>,
}

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    match read(call, files) {
        Ok(Some(line)) => line.actions(call),
        Ok(None) => vec![http::local(call)],
        Err(reason) => vec![http::opaque(call, reason)],
    }
}

/// The command line, or none if wget only says something about itself.
fn read(call: &Call<'_>, files: &dyn Files) -> Result<Option<Line>, String> {
    let mut line = Line::default();
    let posix = call.env.iter().any(|entry| entry.starts_with(b"POSIXLY_CORRECT="));
    let items = getopt::read(call.argv, &OPTIONS, posix);
    let given = |wanted: &str| {
        items.iter().any(|item| matches!(item, Item::Option { opt, .. } if opt.name() == wanted))
    };
    // wget reads the system's file first (`initialize` in src/init.c).
    for name in ["SYSTEM_WGETRC", "WGETRC"] {
        if let Some(path) = call.var(name).filter(|path| !path.is_empty()) {
            line.startup(path, files.file(path).named())?;
        }
    }
    if call.var("WGETRC").is_none_or(<[u8]>::is_empty)
        && !given("config")
        && !given("no-config")
        && let Some(home) = home::of_caller(call, files).map_err(|_| home::UNREAD)?
    {
        let path = [&home, &b"/.wgetrc"[..]].concat();
        line.startup(&path, files.file(&path).sought())?;
    }
    for item in &items {
        match item {
            Item::Refused { word, why } => {
                return Err(format!("wget is given {why}: `{}`", text(word)));
            }
            Item::Operand(operand) => line.urls.push(text(operand.bytes).into_owned()),
            Item::Option { opt, value } => {
                let name = opt.name();
                if matches!(name, "help" | "version") {
                    return Ok(None);
                }
                line.request.options.insert(name.to_owned());
                let value = value.map(|value| text(value.bytes).into_owned());
                match (name, &value) {
                    ("input-file", Some(list)) => line.list(call, list, files)?,
                    ("execute", Some(command)) => line.command(command)?,
                    ("config", Some(path)) => {
                        line.startup(path.as_bytes(), files.file(path.as_bytes()).named())?;
                    }
                    ("no", Some(letters)) if letters.contains('H') => {}
                    _ => line.apply(name, value.as_deref())?,
                }
            }
        }
    }
    Ok(Some(line))
}

impl Line {
    /// One option, by its long name.
    fn apply(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let off = |value: Option<&str>| {
            value.is_some_and(|value| {
                matches!(value.to_ascii_lowercase().as_str(), "off" | "no" | "0")
            })
        };
        let on = !off(value);
        let own = value.unwrap_or_default().to_owned();
        let request = &mut self.request;
        match name {
            "method" => self.method = Some(own.to_ascii_uppercase()),
            "post-data" if request.options.contains("post-file") => {
                return Err("wget refuses `--post-data` beside `--post-file`".to_owned());
            }
            "post-file" if request.options.contains("post-data") => {
                return Err("wget refuses `--post-file` beside `--post-data`".to_owned());
            }
            "post-data" => self.post = true,
            "post-file" => {
                self.post = true;
                request.sends_files.insert(own);
            }
            "body-data" => request.body = true,
            "body-file" => {
                request.body = true;
                request.sends_files.insert(own);
            }
            "spider" => self.spider = on,
            "header" => request.header(&own),
            "user-agent" | "referer" => request.header(&format!("{name}: {own}")),
            "use-askpass" => {
                request.programs.insert(name.to_owned());
            }
            "span-hosts" => request.spans_hosts = on,
            "no-span-hosts" => request.spans_hosts = false,
            "proxy" if !on => request.proxy = Some(String::new()),
            "no-proxy" => request.proxy = Some(String::new()),
            "dns-servers" | "bind-dns-address" => {
                request.detours.insert(name.to_owned());
            }
            "input-metalink" => return Err("a metalink file names hosts of its own".to_owned()),
            "output-document" | "output-file" | "append-output" | "save-cookies"
            | "rejected-log" | "warc-file" | "hsts-file" | "directory-prefix"
                if own != "-" =>
            {
                match name {
                    "output-document" => self.document = Some(own.clone()),
                    "directory-prefix" => self.folder = Some(own.clone()),
                    "warc-file" => self.others.push(format!("{own}.warc.gz")),
                    _ => self.others.push(own.clone()),
                }
                self.names_outputs |= matches!(name, "output-document" | "directory-prefix");
                request.outputs.insert(own);
            }
            "output-document" => {
                self.names_outputs = true;
                self.document = Some("/dev/stdout".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// `-e COMMAND`, or one line of a start-up file.
    fn command(&mut self, command: &str) -> Result<(), String> {
        let command = command.trim();
        if command.is_empty() || command.starts_with('#') {
            return Ok(());
        }
        let (name, value) =
            command.split_once('=').ok_or_else(|| format!("`{command}` is no setting"))?;
        let name: String = name
            .trim()
            .chars()
            .filter(|char| !matches!(char, '-' | '_'))
            .collect::<String>()
            .to_ascii_lowercase();
        let value = value.trim().trim_matches('"');
        match name.as_str() {
            "httpproxy" | "httpsproxy" | "ftpproxy" => {
                self.request.proxy = Some(value.to_owned());
                return Ok(());
            }
            "useproxy" => {
                if matches!(value.to_ascii_lowercase().as_str(), "off" | "no" | "0") {
                    self.request.proxy = Some(String::new());
                }
                return Ok(());
            }
            "noproxy" => {
                self.request.no_proxy = Some(value.to_owned());
                return Ok(());
            }
            "logfile" => {
                self.others.push(value.to_owned());
                return Ok(());
            }
            "dirprefix" => {
                self.folder = Some(value.to_owned());
                return Ok(());
            }
            "robots" | "dirstruct" | "adddirs" | "reclevel" | "agent" | "useragent"
            | "httpuser" | "httppassword" | "passiveftp" | "timestamping" => return Ok(()),
            _ => {}
        }
        // Most settings have the name of the option.
        let option = OPTIONS
            .iter()
            .map(Opt::name)
            .find(|option| option.replace('-', "") == name)
            .ok_or_else(|| format!("the setting `{name}` is not known"))?;
        match option {
            "input-file" | "execute" | "config" | "base" => {
                Err(format!("the setting `{name}` leads to other files"))
            }
            option => self.apply(option, Some(value)),
        }
    }

    fn startup(
        &mut self,
        path: &[u8],
        content: Result<Option<&[u8]>, NotRead>,
    ) -> Result<(), String> {
        let unread = |_| format!("the start-up file `{}` is not read", text(path));
        let content = text(content.map_err(unread)?.unwrap_or_default());
        content.lines().try_for_each(|command| self.command(command))
    }

    /// `-i FILE`: a URL or a file with a URL on each line.
    fn list(&mut self, call: &Call<'_>, list: &str, files: &dyn Files) -> Result<(), String> {
        let content = match (list, call.stdin()) {
            ("-", Stdin::Content(content)) => Ok(Some(content)),
            ("-", Stdin::Null) => Ok(None),
            ("-", Stdin::Terminal | Stdin::Unknown) => Err(NotRead),
            (path, _) => files.file(path.as_bytes()).named(),
        };
        match content {
            Ok(None) => Ok(()),
            Err(NotRead) => Err(format!("the list of URLs `{list}` is not read")),
            Ok(Some(content)) => {
                let content = text(content);
                if content.contains('<') {
                    return Err(format!("the list of URLs `{list}` is a page"));
                }
                let urls = content.lines().map(str::trim).filter(|url| !url.is_empty());
                self.urls.extend(urls.map(str::to_owned));
                Ok(())
            }
        }
    }

    fn actions(mut self, call: &Call<'_>) -> Vec<Action> {
        let implied = match (self.post, self.spider) {
            (true, _) => "POST",
            (false, true) => "HEAD",
            (false, false) => "GET",
        };
        self.request.body |= self.post;
        self.request.method = self.method.clone().unwrap_or_else(|| implied.to_owned());
        self.request.redirects = true;
        if !self.names_outputs && !self.spider {
            self.request.outputs.insert("*".to_owned());
        }
        if self.urls.is_empty() {
            // Without a URL wget says so and ends.
            return vec![http::local(call)];
        }
        self.note_outputs(call);
        self.urls.iter().map(|url| self.request.transfer(call, url, "http")).collect()
    }

    /// Notes the files that are written. Without `-O` the server or the URL names them, below a folder.
    fn note_outputs(&self, call: &Call<'_>) {
        for file in &self.others {
            call.writes(file);
        }
        match &self.document {
            Some(file) => call.writes(file),
            None if self.spider => {}
            None => call.writes_into(self.folder.as_deref().unwrap_or_default()),
        }
    }
}
