//! The call-level domain `exec`: what is known of any program, governed or not.
//!
//! Input is a [`Call`]; output is the action that comes first in every list of facts.

use claw_policy::{Action, Set, domain};

use crate::call::{excerpt, text};
use crate::loaders;
use crate::tool::{Context, Governed, Meant};

/// The kinds of place that a file can be in, for somebody who wants to know what writing it can do.
pub(crate) const PLACES: &[&str] =
    &["credentials", "elsewhere", "home", "startup", "system", "temporary", "workspace"];

domain! {
    /// The call as a whole. Every call has exactly one action of this domain.
    pub(crate) static DOMAIN: Exec = "exec", governed: true, sealed: true;

    /// The base names by which the program is known: as called, each symlink on the way, the final file.
    NAMES: Set = "names";
    /// The resolved file, absolute where it was resolved.
    PATH: String = "path";
    /// Whether the file of a governed tool is one that the caller cannot have made, or one that the policy pins.
    TRUSTED: bool = "trusted";
    /// The environment variables present that make the dynamic linker, the C library or the tool's own interpreter
    /// load code or data from where they say (ld.so(8), gconv, Kerberos, SASL, OpenSSL, PKCS #11;
    /// one list for each runtime). An empty value loads nothing.
    INJECTED_ENV: Set = "injected_env";
    /// Where the files are that a tool writes by its own options and words, in every domain: `workspace` the folder
    /// that the session started in and below, `temporary` below /tmp, /var/tmp or /dev/shm, `startup` what programs
    /// read when they start (hidden files and folders, and others), `credentials` where keys and passwords are kept,
    /// `home` a home folder, `system` a folder of the system or a device, `elsewhere` anywhere else. Links are
    /// followed. What is shown or thrown away (`/dev/null`) is nowhere. A session that starts in `/`, in a home folder
    /// or above one, or in a folder of the system has no workspace. What git checks out is not counted.
    WRITES_FILES: Set = "writes_files" of PLACES;
}

/// The call-level action. `tool` is what a governed program is. Variables that inject code into the
/// tool's own language, or into the interpreter that runs it this time, count for it alone.
pub(crate) fn action(context: &Context<'_>, tool: Option<Governed<'_>>) -> Action {
    let call = context.call;
    let said = call.argv.first().copied().unwrap_or(call.path);
    let mut action = Action::new(&DOMAIN, excerpt(&text(said)));
    action.set(Exec::NAMES, call.names.iter().map(|name| text(name)).collect::<Set>());
    action.set(Exec::PATH, text(call.path).into_owned());
    let injected = call.env.iter().filter_map(|entry| injects(context, tool, entry).map(text));
    action.set(Exec::INJECTED_ENV, injected.collect::<Set>());
    action
}

/// Whether the environment makes the tool load code or data.
pub(crate) fn injects_any(context: &Context<'_>, tool: Governed<'_>) -> bool {
    context.call.env.iter().any(|entry| injects(context, Some(tool), entry).is_some())
}

/// The variable of `entry`, if it makes the tool load something. An empty value names nothing to load.
fn injects<'e>(
    context: &Context<'_>,
    tool: Option<Governed<'_>>,
    entry: &'e [u8],
) -> Option<&'e [u8]> {
    let variable = match entry.iter().position(|&byte| byte == b'=') {
        Some(at) if at + 1 == entry.len() => return None,
        Some(at) => &entry[..at],
        None => entry,
    };
    let runs_it = || {
        context.call.interpreters.iter().any(|name| match context.tools.meant(&[name]) {
            Meant::Tool(program @ Governed::Known(_)) => program.is_loaded_by(variable),
            Meant::Tool(Governed::Declared(_)) | Meant::Nothing | Meant::Disputed(..) => false,
        })
    };
    let loads = loaders::into_every_program(variable)
        || tool.is_some_and(|tool| tool.is_loaded_by(variable) || runs_it());
    loads.then_some(variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, NoFiles, Tools};
    use claw_policy::{Reading, Value};

    #[test]
    fn injection_is_named() {
        let call = Call {
            argv: &[b"true"],
            env: &[
                b"LD_PRELOAD=x.so",
                b"PATH=/bin",
                b"PERL5LIB=/x",
                b"LD_BIND_NOW=1",
                b"GCONV_PATH",
            ],
            path: b"/bin/true",
            names: &[b"true"],
            ..Call::default()
        };
        let named = |call: &Call<'_>, tool: Option<&str>| {
            let tool = tool.and_then(|name| Tools::BUILT_IN.named(name));
            match action(&Tools::BUILT_IN.context(call, &NoFiles), tool).fact("injected_env") {
                Some(Reading::Known(Value::Set(names))) => {
                    names.iter().cloned().collect::<Vec<_>>().join(" ")
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(named(&call, None), "GCONV_PATH LD_PRELOAD");
        assert_eq!(named(&call, Some("psql")), "GCONV_PATH LD_PRELOAD PERL5LIB");
        assert_eq!(named(&call, Some("helm")), "GCONV_PATH LD_PRELOAD");
        let script = Call { interpreters: &[b"perl"], ..call };
        assert_eq!(named(&script, Some("helm")), "GCONV_PATH LD_PRELOAD PERL5LIB");
        assert_eq!(named(&script, None), "GCONV_PATH LD_PRELOAD");
    }
}
