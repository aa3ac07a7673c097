//! aws: the service, the operation and what it does.
//!
//! Input: the call, and the files it names. Output: one action of the domain `aws`.
//!
//! Sources: the commands of awscli 1.45 (`aws/operations.tsv`), and of awscli 2 if version 1 has
//! none; awscli's `paramfile.py` for values that are files, `alias.py` for aliases, and botocore's
//! `configprovider.py` for variables and settings. The access level in IAM's reference tells whether
//! an operation reads, and its service model whether it returns a secret. Operations of which only
//! the documentation says that they return credentials are in `aws/credentials.tsv`.
//!
//! Known gaps: a profile's own settings are seen if the caller knows the files. A query in an
//! operation is not read: such operations count as writes, but for languages that only read. Service models that were added by hand (`~/.aws/models`) are not seen.

mod command_line;
mod effect;
mod operands;
mod operations;
mod settings;

use claw_policy::{Action, Domain, Kind, Value, fact};

use crate::call::files::Files;
use crate::call::{Call, text};
use crate::grammar::subcommands::{plain_pager, said};
use crate::loaders::Loads;
use crate::secret::marks::{Marks, marks, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
use command_line::CommandLine;

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] =
    &[marks(&[TOOL.names], &[secret("--value")]).behind("put-parameter")];

/// aws's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "aws",
    names: &["aws"],
    doc: "The service, the operation, options of the program and the variables and settings that change where a call goes are read. Commands that version 1 does not have, and aliases, are opaque.",
    denial: Denial { prefix: "aws: error: ", status: 252 },
    can: Abilities::of(Family::Clouds),
    domains: &[&DOMAIN],
    loads: Loads::PYTHON,
    reader: Reader::Judge(classify),
};

/// What one call of the AWS command line asks for.
pub(crate) static DOMAIN: Domain = Domain {
    name: "aws",
    governed: true,
    sealed: true,
    doc: "What one call of the AWS command line asks for.",
    facts: &[
        fact("service", Kind::Str, &[], "The service or command: `ec2`, `s3api`, `configure`."),
        fact(
            "operation",
            Kind::Str,
            &[],
            "The operation or sub-command: `describe-instances`, `ls`.",
        ),
        fact(
            "effect",
            Kind::Str,
            effect::EFFECTS,
            "`local` asks nothing of a service, `read` reads, `export` copies data out whole, `secret` returns credentials, tokens or pre-signed URLs, `exec` runs a command on a machine or opens a session there, `config` changes the settings here, `destroy` deletes, stops or removes, `write` is everything else.",
        ),
        fact("profile", Kind::Str, &[], "The profile, where the call or a variable says it."),
        fact("region", Kind::Str, &[], "The region, where the call or a variable says it."),
        fact(
            "endpoints",
            Kind::Set,
            &[],
            "The hosts that the call, a variable or a setting names in place of the service's own.",
        ),
        fact(
            "options",
            Kind::Set,
            &[],
            "The options given, without dashes, as they were spelled; those of the program by their full names.",
        ),
        fact(
            "files",
            Kind::Set,
            &[],
            "The local files whose content becomes a parameter (`file://`, `fileb://`) and is not known.",
        ),
        fact(
            "urls",
            Kind::Set,
            &[],
            "The addresses whose content version 1 fetches and makes a parameter (`http://`, `https://`).",
        ),
        fact(
            "resources",
            Kind::Set,
            &[],
            "What the operation is about, as `TYPE:NAME`, however it is spelled: `bucket:b`, `function:f`, `instance:i-1`. Opaque where a document or a file says it.",
        ),
        fact(
            "buckets",
            Kind::Set,
            &[],
            "The buckets of S3 that the call names, in an option, an address or an ARN.",
        ),
        fact("keys", Kind::Set, &[], "The objects of S3 that the call names, by their keys."),
        fact("accounts", Kind::Set, &[], "The numbers of the accounts that options and ARNs name."),
        fact(
            "outputs",
            Kind::Set,
            &[],
            "The file that the operation writes what it returns to (`s3api get-object`). Opaque where nobody can tell which word it is.",
        ),
        fact(
            "settings",
            Kind::Set,
            &[],
            "Settings and variables that run a program, load code or models, or take credentials from where they say; opaque where a variable names a settings file that cannot be read.",
        ),
    ],
};

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    let said = said(call.argv);
    match command_line::read(call.argv).and_then(|line| read(call, files, &line, &said)) {
        Ok(action) => vec![action],
        Err(reason) => vec![Action::opaque(&DOMAIN, said, reason)],
    }
}

fn read(
    call: &Call<'_>,
    files: &dyn Files,
    line: &CommandLine<'_>,
    said: &str,
) -> Result<Action, String> {
    let mut action = Action::new(&DOMAIN, said);
    let service = line.service.map(text);
    let operation = line.operation.map(text);
    let found = settings::found(call, files, service.as_deref(), line);
    let asked = line.globals.iter().any(|(name, _)| *name == "cli-auto-prompt");
    let never = line.globals.iter().any(|(name, _)| *name == "no-cli-auto-prompt");
    let local = service.is_none() || service.as_deref() == Some("help");
    if asked || (found.prompts.is_some() && !never && !local) {
        let by = if asked { "--cli-auto-prompt" } else { found.prompts.unwrap_or_default() };
        return Err(format!("by `{by}` the program takes its command from the terminal"));
    }
    action.set("endpoints", found.endpoints.into_iter().collect::<Value>());
    match found.unreadable {
        Some(reason) => action.set_opaque("settings", reason),
        None => action.set("settings", found.settings.into_iter().collect::<Value>()),
    }
    let (profile, region) = settings::aim(call, line);
    for (name, found) in [("profile", profile), ("region", region)] {
        match found {
            Ok(Some(value)) => action.set(name, value),
            Ok(None) => {}
            Err(reason) => action.set_opaque(name, reason),
        }
    }
    let options = line.globals.iter().map(|(name, _)| (*name).to_owned());
    let own = line.options().map(|(name, _)| text(name).trim_start_matches('-').to_owned());
    action.set("options", options.chain(own).collect::<Value>());
    let (Some(service), Some(operation)) = (service, operation) else {
        let service = line.service.map(text).unwrap_or_default();
        // `aws configure` by itself asks for credentials and stores them.
        let effect = match &*service {
            "" | "help" => "local",
            "configure" | "login" | "logout" => "config",
            _ => return Err(format!("`aws {service}` is given no operation")),
        };
        if !service.is_empty() {
            action.set("service", &*service);
        }
        action.set("effect", effect);
        return Ok(action);
    };
    let path = format!("{service} {operation}");
    action.set("service", &*service);
    action.set("operation", &*operation);
    let helps = operation == "help" || (line.words.len() == 1 && line.words[0] == b"help");
    if helps && (service == "help" || operations::is_service(&service)) {
        action.set("effect", "local");
        return Ok(action);
    }
    let Some(known) = operations::find(&path) else {
        return Err(format!("`aws {path}` is no command that is known, perhaps an alias"));
    };
    match operands::read(&service, known, line) {
        Ok(found) => {
            action.set("accounts", found.accounts.into_iter().collect::<Value>());
            action.set("buckets", found.buckets.into_iter().collect::<Value>());
            action.set("keys", found.keys.into_iter().collect::<Value>());
            action.set("resources", found.resources.into_iter().collect::<Value>());
        }
        Err(reason) => {
            for name in ["accounts", "buckets", "keys", "resources"] {
                action.set_opaque(name, reason.as_str());
            }
        }
    }
    match operands::output(known, line) {
        Ok(file) => action.set("outputs", file.into_iter().collect::<Value>()),
        Err(reason) => action.set_opaque("outputs", reason),
    }
    let (unread, urls) = parameters(line, &path, files);
    action.set("files", unread.into_iter().collect::<Value>());
    action.set("urls", urls.into_iter().collect::<Value>());
    match effect::effect(&service, &operation, known, line) {
        Ok(effect) => action.set("effect", effect),
        Err(reason) => action.set_opaque("effect", reason),
    }
    Ok(action)
}

/// Options whose value is an address that is not fetched, by command: `PARAMFILE_DISABLED` in
/// awscli's `paramfile.py`. Only those of reads matter here.
const ADDRESSES: &[(&str, &str)] = &[
    ("cloudformation get-template-summary", "--template-url"),
    ("cloudformation validate-template", "--template-url"),
    ("sqs get-queue-attributes", "--queue-url"),
    ("sqs list-dead-letter-source-queues", "--queue-url"),
    ("sqs list-queue-tags", "--queue-url"),
];

/// The parameter files whose content is not known, and the addresses that are fetched.
fn parameters(line: &CommandLine<'_>, path: &str, files: &dyn Files) -> (Vec<String>, Vec<String>) {
    let (mut unread, mut urls) = (Vec::new(), Vec::new());
    let loose = line.operands().map(|value| (&b""[..], value));
    let given = line
        .options()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name, value)));
    for (name, value) in loose.chain(given) {
        // In the shorthand of structures a member is a file if it is set with `@=`.
        let member = value.windows(2).position(|pair| pair == b"@=").map(|at| &value[at + 2..]);
        for value in std::iter::once(value).chain(member) {
            let file = value.strip_prefix(b"file://").or_else(|| value.strip_prefix(b"fileb://"));
            if let Some(file) = file {
                // The program expands `~` and variables.
                let plain = !file.contains(&b'$') && !file.starts_with(b"~");
                if !plain || files.file(file).named().is_err() {
                    unread.push(text(file).into_owned());
                }
            } else if value.starts_with(b"http://") || value.starts_with(b"https://") {
                let address = ADDRESSES
                    .iter()
                    .any(|(of, option)| *of == path && command_line::abbreviates(name, option));
                if !address {
                    urls.push(text(value).into_owned());
                }
            }
        }
    }
    (unread, urls)
}

/// Whether the variable `name` names a pager that does more than show its input.
fn runs_pager(call: &Call<'_>, name: &str) -> bool {
    call.var(name).is_some_and(|value| !plain_pager(value))
}

#[cfg(test)]
mod tests;
