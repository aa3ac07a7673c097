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

use claw_policy::{Action, Set, domain};

use crate::call::files::Files;
use crate::call::{Call, text};
use crate::grammar::subcommands::{plain_pager, said};
use crate::loaders::Loads;
use crate::secret::marks::{Marks, marks, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
use crate::writes;
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

domain! {
    /// What one call of the AWS command line asks for.
    pub(crate) static DOMAIN: Aws = "aws", governed: true, sealed: true;

    /// The service or command: `ec2`, `s3api`, `configure`.
    SERVICE: String = "service";
    /// The operation or sub-command: `describe-instances`, `ls`.
    OPERATION: String = "operation";
    /// `local` asks nothing of a service, `read` reads, `export` copies data out whole, `secret` returns
    /// credentials, tokens or pre-signed URLs, `exec` runs a command on a machine or opens a session there,
    /// `config` changes the settings here, `destroy` deletes, stops or removes, `write` is everything else.
    EFFECT: String = "effect" of effect::EFFECTS;
    /// The profile, where the call or a variable says it.
    PROFILE: String = "profile";
    /// The region, where the call or a variable says it.
    REGION: String = "region";
    /// The hosts that the call, a variable or a setting names in place of the service's own.
    ENDPOINTS: Set = "endpoints";
    /// The options given, without dashes, as they were spelled; those of the program by their full names.
    OPTIONS: Set = "options";
    /// The local files whose content becomes a parameter (`file://`, `fileb://`) and is not known.
    FILES: Set = "files";
    /// The addresses whose content version 1 fetches and makes a parameter (`http://`, `https://`).
    URLS: Set = "urls";
    /// What the operation is about, as `TYPE:NAME`, however it is spelled: `bucket:b`, `function:f`, `instance:i-1`.
    /// Opaque where a document or a file says it.
    RESOURCES: Set = "resources";
    /// The buckets of S3 that the call names, in an option, an address or an ARN.
    BUCKETS: Set = "buckets";
    /// The objects of S3 that the call names, by their keys.
    KEYS: Set = "keys";
    /// The numbers of the accounts that options and ARNs name.
    ACCOUNTS: Set = "accounts";
    /// The file that the operation writes what it returns to (`s3api get-object`). Opaque where nobody can tell which
    /// word it is.
    OUTPUTS: Set = "outputs";
    /// Settings and variables that run a program, load code or models, or take credentials from where they say;
    /// opaque where a variable names a settings file that cannot be read.
    SETTINGS: Set = "settings";
}

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
    action.set(Aws::ENDPOINTS, found.endpoints.into_iter().collect::<Set>());
    match found.unreadable {
        Some(reason) => action.set_opaque(Aws::SETTINGS, reason),
        None => action.set(Aws::SETTINGS, found.settings.into_iter().collect::<Set>()),
    }
    let (profile, region) = settings::aim(call, line);
    for (fact, found) in [(Aws::PROFILE, profile), (Aws::REGION, region)] {
        match found {
            Ok(Some(value)) => action.set(fact, value),
            Ok(None) => {}
            Err(reason) => action.set_opaque(fact, reason),
        }
    }
    let options = line.globals.iter().map(|(name, _)| (*name).to_owned());
    let own = line.options().map(|(name, _)| text(name).trim_start_matches('-').to_owned());
    action.set(Aws::OPTIONS, options.chain(own).collect::<Set>());
    let (Some(service), Some(operation)) = (service, operation) else {
        let service = line.service.map(text).unwrap_or_default();
        // `aws configure` by itself asks for credentials and stores them.
        let effect = match &*service {
            "" | "help" => "local",
            "configure" | "login" | "logout" => "config",
            _ => return Err(format!("`aws {service}` is given no operation")),
        };
        if !service.is_empty() {
            action.set(Aws::SERVICE, &*service);
        }
        action.set(Aws::EFFECT, effect);
        return Ok(action);
    };
    let path = format!("{service} {operation}");
    action.set(Aws::SERVICE, &*service);
    action.set(Aws::OPERATION, &*operation);
    let helps = operation == "help" || (line.words.len() == 1 && line.words[0] == b"help");
    if helps && (service == "help" || operations::is_service(&service)) {
        action.set(Aws::EFFECT, "local");
        return Ok(action);
    }
    let Some(known) = operations::find(&path) else {
        return Err(format!("`aws {path}` is no command that is known, perhaps an alias"));
    };
    match operands::read(&service, known, line) {
        Ok(found) => {
            action.set(Aws::ACCOUNTS, found.accounts.into_iter().collect::<Set>());
            action.set(Aws::BUCKETS, found.buckets.into_iter().collect::<Set>());
            action.set(Aws::KEYS, found.keys.into_iter().collect::<Set>());
            action.set(Aws::RESOURCES, found.resources.into_iter().collect::<Set>());
        }
        Err(reason) => {
            for fact in [Aws::ACCOUNTS, Aws::BUCKETS, Aws::KEYS, Aws::RESOURCES] {
                action.set_opaque(fact, reason.as_str());
            }
        }
    }
    if matches!(path.as_str(), "s3 cp" | "s3 mv" | "s3 sync") {
        writes::note_destination(call, |word| word.starts_with(b"s3://"));
    }
    match operands::output(known, line) {
        Ok(file) => {
            file.iter().for_each(|file| call.writes(file));
            action.set(Aws::OUTPUTS, file.into_iter().collect::<Set>());
        }
        Err(reason) => {
            call.writes_somewhere(reason.clone());
            action.set_opaque(Aws::OUTPUTS, reason);
        }
    }
    let (unread, urls) = parameters(line, &path, files);
    action.set(Aws::FILES, unread.into_iter().collect::<Set>());
    action.set(Aws::URLS, urls.into_iter().collect::<Set>());
    match effect::effect(&service, &operation, known, line) {
        Ok(effect) => action.set(Aws::EFFECT, effect),
        Err(reason) => action.set_opaque(Aws::EFFECT, reason),
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
