//! What `gh api` sends.
//!
//! Source: `apiRun`, `httpRequest` and `parseFields` in cli/cli's `pkg/cmd/api`: fields make the method
//! POST unless one is given, become a query string only for GET, and a body otherwise.

use claw_policy::{Action, Set};

use super::target::host;
use super::{Gh, graphql};
use crate::call::files::Files;
use crate::call::{Call, Stdin, text};
use crate::grammar::cobra::Line;

/// Sets the facts of the request.
pub(super) fn read(call: &Call<'_>, files: &dyn Files, line: &Line<'_>, action: &mut Action) {
    let path = line.words.first().copied().unwrap_or_default();
    action.set(Gh::PATH, text(path).into_owned());
    let address = path.windows(3).any(|part| part == b"://");
    if address && let Some(host) = host(path) {
        // gh sends its own token to the hosts it knows; it asks another host without one.
        action.set(Gh::HOST, host);
    }
    let input = line.value("input").filter(|file| !file.is_empty());
    let fields = line.values("field").next().is_some() || line.values("raw-field").next().is_some();
    let given = line.value("method").map(|method| text(method).to_ascii_uppercase());
    // With an empty method, fields are a body, as with any method except GET, and the request is a
    // GET.
    let in_query = given.as_deref() == Some("GET");
    let method = match given.filter(|method| !method.is_empty()) {
        Some(method) => method,
        None if line.value("method").is_none() && (fields || input.is_some()) => "POST".to_owned(),
        None => "GET".to_owned(),
    };
    let sent: Vec<&[u8]> = input
        .into_iter()
        .chain(line.values("field").filter_map(|field| value_of(field)?.strip_prefix(b"@")))
        .collect();
    action.set(Gh::FILES, sent.iter().map(|file| text(file)).collect::<Set>());
    let carries = input.is_some() || (fields && !in_query);
    action.set(Gh::BODY, carries);
    let overrides = line.values("header").any(|header| {
        let name = header.split(|&byte| byte == b':').next().unwrap_or(header);
        name.trim_ascii().to_ascii_lowercase().contains(&b'_')
            || name.trim_ascii().to_ascii_lowercase().starts_with(b"x-http-method")
            || name.trim_ascii().to_ascii_lowercase().starts_with(b"x-method")
    });
    let effect = match method.as_str() {
        "GET" | "HEAD" | "OPTIONS" => "read",
        "DELETE" => "destroy",
        _ => "write",
    };
    action.set(Gh::EFFECT, effect);
    if overrides {
        let reason = "a header may ask for another method";
        action.set_opaque(Gh::METHOD, reason);
        action.set_opaque(Gh::EFFECT, reason);
    } else {
        action.set(Gh::METHOD, method.as_str());
    }
    let runs = match method.as_str() {
        "GET" => carries && !in_query,
        method => method != "HEAD",
    };
    if is_graphql(path) && runs {
        match operation(call, files, line, input) {
            Ok((kind, from)) => {
                action.set(Gh::OPERATION, kind);
                match kind {
                    "mutation" if effect != "destroy" => action.set(Gh::EFFECT, "write"),
                    "query" | "subscription" if method == "POST" => action.set(Gh::EFFECT, "read"),
                    _ => {}
                }
                action.set(Gh::BODY, false);
                // A document that was read is a request, not a file that is sent away.
                let rest = sent.iter().filter(|file| Some(**file) != from);
                action.set(Gh::FILES, rest.map(|file| text(file)).collect::<Set>());
            }
            Err(reason) => {
                action.set_opaque(Gh::OPERATION, reason.clone());
                action.set_opaque(Gh::EFFECT, reason);
            }
        }
    }
}

/// What follows the first `=` of a field.
fn value_of(field: &[u8]) -> Option<&[u8]> {
    field.iter().position(|&byte| byte == b'=').map(|at| &field[at + 1..])
}

/// Whether a path leads to GitHub's GraphQL endpoint: `graphql` itself, with slashes, as an
/// address, or with any percent-encoding that could spell it.
fn is_graphql(path: &[u8]) -> bool {
    let path = path.split(|&byte| byte == b'?' || byte == b'#').next().unwrap_or(path);
    let mut parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
    parts.any(|part| part.eq_ignore_ascii_case(b"graphql") || part.contains(&b'%') || part == b"..")
}

type Operation<'a> = (&'static str, Option<&'a [u8]>);

/// The kind of the operation, and the file that the document came from.
fn operation<'a>(
    call: &Call<'_>,
    files: &dyn Files,
    line: &Line<'a>,
    input: Option<&'a [u8]>,
) -> Result<Operation<'a>, String> {
    if let Some(input) = input {
        return Ok((in_body(&content(call, files, input)?)?, Some(input)));
    }
    let mut document: Option<(String, Option<&'a [u8]>)> = None;
    let mut named = None;
    for (option, field) in &line.options {
        let (Some(field), "field" | "raw-field") = (*field, *option) else { continue };
        let value = value_of(field).unwrap_or_default();
        match &field[..field.len() - value.len()] {
            b"query=" => {
                if document.is_some() {
                    return Err("the document is given twice".to_owned());
                }
                let from = value.strip_prefix(b"@").filter(|_| *option == "field");
                let read = match from {
                    Some(file) => content(call, files, file)?,
                    None => text(value).into_owned(),
                };
                document = Some((read, from));
            }
            b"operationName=" => named = Some(text(value).into_owned()),
            key if key.starts_with(b"query[") || key.starts_with(b"operationName[") => {
                return Err("the document is no text".to_owned());
            }
            _ => {}
        }
    }
    let (document, from) = document.ok_or("no GraphQL document is given")?;
    Ok((graphql::operation(&document, named.as_deref())?, from))
}

/// The operation of a body in JSON.
fn in_body(body: &str) -> Result<&'static str, String> {
    #[derive(serde::Deserialize)]
    struct Body {
        query: String,
        #[serde(default, rename = "operationName")]
        operation: Option<String>,
    }
    let body: Body = serde_json::from_str(body)
        .map_err(|_| "the body is no GraphQL request in JSON".to_owned())?;
    Ok(graphql::operation(&body.query, body.operation.as_deref())?)
}

fn content(call: &Call<'_>, files: &dyn Files, path: &[u8]) -> Result<String, String> {
    let bytes = match (path, call.stdin()) {
        (b"-", Stdin::Content(bytes)) => bytes,
        (b"-", _) => return Err("standard input is not known".to_owned()),
        (path, _) => {
            let content = files.file(path).named().ok().flatten();
            content.ok_or_else(|| format!("the content of `{}` is not known", text(path)))?
        }
    };
    str::from_utf8(bytes).map(str::to_owned).map_err(|_| "the document is not UTF-8".to_owned())
}
