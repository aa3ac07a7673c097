//! HTTPie and xh: the request that short words make.
//!
//! Input: the call. Output: one action of the domain `http`.
//!
//! Sources: HTTPie's `httpie/cli/definition.py` for its options, `argparser.py` for how the method
//! is guessed, `argtypes.py` for request items; xh's `src/cli.rs`, which follows them.
//!
//! Known gaps: a `config.json` whose content is not known counts as absent. Plug-ins in HTTPie's
//! folder and the content of a session are not read.

use std::sync::LazyLock;

use claw_policy::Action;

use crate::call::files::Files;
use crate::call::home;
use crate::call::outputs::join;
use crate::call::{Call, Stdin, text};
use crate::grammar::getopt::{self, Item, Opt};
use crate::grammar::options::rows;
use crate::loaders::Loads;
use crate::network::http::{self, Request};
use crate::secret::marks::{Given, Holds, Marks, marks, option, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(&[TOOL.names], &[option("-a --auth", Given::Anyhow, Holds::UserPassword)]),
    marks(&[TOOL.names], &[secret("-a --auth")]).behind("bearer"),
];

/// The programs' row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "http",
    names: &["http", "https", "xh", "xhs"],
    doc: "The method, also where it is guessed, the URL, the request items and the options are read; words with options between them are opaque, since HTTPie refuses them.",
    denial: Denial { prefix: "http: error: ", status: 1 },
    can: Abilities::of(Family::Transfers),
    domains: &[&http::DOMAIN],
    loads: Loads::PYTHON,
    reader: Reader::Judge(classify),
};

/// Options that both programs have. Each can be taken back by its twin with `no-`, wherever that
/// is.
static OPTIONS: LazyLock<Vec<Opt>> =
    LazyLock::new(|| rows(include_str!("httpie/options.tsv")).map(Opt::of).collect());

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    match read(call, files) {
        Ok(Some((request, url))) => {
            for file in &request.outputs {
                match file.as_str() {
                    "*" => call.writes_into(""),
                    // A session without a path is kept in the program's own folder.
                    file if request.options.contains("session") && !file.contains('/') => {
                        call.writes(join(b"~/.config/httpie", file.as_bytes()));
                    }
                    file => call.writes(file),
                }
            }
            vec![request.transfer(call, &url, "http")]
        }
        Ok(None) => vec![http::local(call)],
        Err(reason) => vec![http::opaque(call, reason)],
    }
}

/// The request and its URL, or none if none is sent.
fn read(call: &Call<'_>, files: &dyn Files) -> Result<Option<(Request, String)>, String> {
    defaults(call, files)?;
    let mut request = Request::default();
    let mut scheme = if called(call).ends_with('s') { "https" } else { "http" };
    let (mut words, mut places) = (Vec::new(), Vec::new());
    let (argv, taken_back) = without_twins(call);
    let (mut silent, mut ignores, mut raw, mut multipart) = (false, false, false, false);
    for item in getopt::read(&argv, &OPTIONS, false) {
        let (name, value) = match item {
            Item::Refused { word, why } => {
                return Err(format!("the program is given {why}: `{}`", text(word)));
            }
            Item::Operand(operand) => {
                words.push(text(operand.bytes).into_owned());
                places.push(operand.arg);
                continue;
            }
            Item::Option { opt, value } => (opt.name(), value.map(|value| text(value.bytes))),
        };
        if matches!(name, "help" | "manual" | "version") {
            return Ok(None);
        }
        if taken_back.iter().any(|back| back == name) {
            continue;
        }
        request.options.insert(name.to_owned());
        let own = value.as_deref().unwrap_or_default().to_owned();
        match name {
            "offline" => silent = true,
            "ignore-stdin" => ignores = true,
            "raw" => raw = true,
            "multipart" => multipart = true,
            "output" | "session" => _ = request.outputs.insert(own),
            "download" => _ = request.outputs.insert("*".to_owned()),
            "follow" => request.redirects = true,
            "proxy" => {
                let (_, proxy) = own.split_once(':').ok_or("`--proxy` has no protocol")?;
                request.proxy = Some(proxy.to_owned());
            }
            "auth-type" if !matches!(&*own, "basic" | "bearer" | "digest") => {
                request.programs.insert("auth-type".to_owned());
            }
            "auth" => request.header("authorization: -"),
            "default-scheme" => scheme = if own == "https" { "https" } else { "http" },
            _ => {}
        }
    }
    let parted = places.windows(2).any(|pair| pair[1] != pair[0] + 1);
    if parted && !called(call).starts_with("xh") {
        return Err("options part the words, which HTTPie refuses".to_owned());
    }
    let stdin = !ignores && !matches!(call.stdin(), Stdin::Terminal);
    let (method, url, items) = taken_apart(&words)?;
    let mut data = raw || stdin || multipart;
    for item in items {
        data |= apply(&mut request, item)?;
    }
    if silent {
        return Ok(None);
    }
    request.body |= raw || multipart || (data && !matches!(call.stdin(), Stdin::Null));
    if stdin && !raw && !matches!(call.stdin(), Stdin::Null | Stdin::Content([])) {
        request.body = true;
        request.sends_files.insert("-".to_owned());
    }
    let guessed = if data { "POST" } else { "GET" };
    request.method = method.unwrap_or_else(|| guessed.to_owned());
    Ok(Some((request, address(url, scheme))))
}

/// The name of the program that is run.
fn called(call: &Call<'_>) -> String {
    let path = call.argv.first().copied().unwrap_or_default();
    text(path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)).into_owned()
}

/// The words without `--no-OPTION`, and the options that those take back.
fn without_twins<'a>(call: &Call<'a>) -> (Vec<&'a [u8]>, Vec<String>) {
    let mut taken_back = Vec::new();
    let argv = call.argv.iter().copied().filter(|word| {
        let name = word.strip_prefix(b"--no-").map(text);
        let known = name.filter(|name| OPTIONS.iter().any(|opt| opt.name() == *name));
        known.map(|name| taken_back.push(name.into_owned())).is_none()
    });
    (argv.collect(), taken_back)
}

/// The method if one is named, the URL and the request items. A first word of letters alone is a
/// method, whatever its author meant: `http localhost a=b` asks the host `a=b`.
fn taken_apart(words: &[String]) -> Result<(Option<String>, &str, &[String]), String> {
    match words {
        [] => Err("no URL is named".to_owned()),
        [url] => Ok((None, url, &[])),
        [method, url, items @ ..] if method.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            Ok((Some(method.to_ascii_uppercase()), url, items))
        }
        [url, items @ ..] => Ok((None, url, items)),
    }
}

/// The separators of request items, a longer one before a shorter one that it begins with.
const SEPARATORS: &[&str] = &[":=@", "==@", ":@", "=@", ":=", "==", ":", ";", "=", "@"];

/// Applies one request item, and says whether it is data.
fn apply(request: &mut Request, item: &str) -> Result<bool, String> {
    let (at, separator) = separator(item).ok_or_else(|| format!("`{item}` is no request item"))?;
    let (name, value) = (item[..at].replace('\\', ""), &item[at + separator.len()..]);
    let file = |request: &mut Request| {
        let path = value.split(";type=").next().unwrap_or(value);
        request.sends_files.insert(path.to_owned());
    };
    match separator {
        ":" => request.header(&format!("{name}: {value}")),
        ";" => request.header(&format!("{name};")),
        ":@" => {
            file(request);
            // The value is in the file, and may ask for another host or method.
            if ["host", "method"].iter().any(|word| name.to_ascii_lowercase().contains(word)) {
                request.opaque.get_or_insert_with(|| format!("the header `{name}` is in a file"));
            }
            request.header(&format!("{name}: -"));
        }
        "==" => {}
        "==@" => file(request),
        "=" | ":=" => request.body = true,
        _ => {
            request.body = true;
            file(request);
        }
    }
    Ok(matches!(separator, "=" | ":=" | "@" | "=@" | ":=@"))
}

/// The first separator that no backslash escapes.
fn separator(item: &str) -> Option<(usize, &'static str)> {
    let mut at = 0;
    while let Some(rest) = item.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(separator) = SEPARATORS.iter().find(|known| rest.starts_with(**known)) {
            return Some((at, separator));
        }
        let escaped = usize::from(rest.starts_with('\\'));
        at += rest.chars().take(1 + escaped).map(char::len_utf8).sum::<usize>();
    }
    None
}

/// The URL with what HTTPie adds: `:3000/x` is on this host, and `://` has the default scheme.
fn address(url: &str, scheme: &str) -> String {
    if let Some(rest) = url.strip_prefix("://") {
        return format!("{scheme}://{rest}");
    }
    if url.contains("://") {
        return url.to_owned();
    }
    match url.strip_prefix(':').filter(|rest| !rest.starts_with(':')) {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{scheme}://localhost:{rest}")
        }
        Some(rest) => format!("{scheme}://localhost{rest}"),
        None => format!("{scheme}://{url}"),
    }
}

/// Options in a settings file come before those of the call, and make it opaque.
fn defaults(call: &Call<'_>, files: &dyn Files) -> Result<(), String> {
    if call.var("HTTPIE_CONFIG_DIR").is_some() || call.var("XH_CONFIG_DIR").is_some() {
        return Err("a variable names another folder of settings".to_owned());
    }
    let home = home::of_caller(call, files).map_err(|_| home::UNREAD)?.unwrap_or_default();
    let settings = call
        .var("XDG_CONFIG_HOME")
        .map_or_else(|| [&home, &b"/.config"[..]].concat(), <[u8]>::to_vec);
    let program: &[u8] = if called(call).starts_with("xh") { b"/xh" } else { b"/httpie" };
    let path = [&settings[..], program, b"/config.json"].concat();
    match files.file(&path).sought() {
        Err(_) => Err(format!("the settings in `{}` are not read", text(&path))),
        Ok(Some(content)) if text(content).contains("default_options") => {
            let table: Option<serde_json::Value> = serde_json::from_slice(content).ok();
            let options = table.as_ref().and_then(|table| table["default_options"].as_array());
            match options.is_some_and(Vec::is_empty) {
                true => Ok(()),
                false => Err(format!("`{}` sets options", text(&path))),
            }
        }
        Ok(_) => Ok(()),
    }
}
