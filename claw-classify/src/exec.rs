//! The call-level domain `exec`: what is known of any program, governed or not.
//!
//! Input is a [`Call`]; output is the one action that stands first in every list of facts.

use claw_policy::{Action, Domain, FactDef, Kind};

use crate::call::{Call, excerpt, text};

/// Facts about the program file and about what would be loaded into it.
pub(crate) static DOMAIN: Domain = Domain {
    name: "exec",
    governed: true,
    doc: "The call as a whole. Every call has exactly one action of this domain.",
    facts: &[
        FactDef {
            name: "names",
            kind: Kind::Set,
            values: &[],
            doc: "The base names by which the program is known: as called, each symlink on the way, the final file.",
        },
        FactDef {
            name: "path",
            kind: Kind::Str,
            values: &[],
            doc: "The resolved file, absolute where it was resolved.",
        },
        FactDef {
            name: "trusted",
            kind: Kind::Bool,
            values: &[],
            doc: "Of a governed tool: whether its file is one that the caller cannot have made, or one the policy pins.",
        },
        FactDef {
            name: "injected_env",
            kind: Kind::Set,
            values: &[],
            doc: "The environment variables present that make the dynamic linker, the C library or the tool's own interpreter load code or data from where they say (ld.so(8), gconv, glibc tunables).",
        },
    ],
};

/// Variables that glibc and the dynamic linker act on, beside everything that starts with `LD_`
/// (ld.so(8), iconv_open(3), locale(7)); `OPENSSL_*` because libpq and many others load what it names.
const LOADER: &[&[u8]] = &[
    b"GCONV_PATH",
    b"GLIBC_TUNABLES",
    b"LOCPATH",
    b"NLSPATH",
    b"OPENSSL_CONF",
    b"OPENSSL_ENGINES",
    b"OPENSSL_MODULES",
];

/// Variables of the linker that load nothing and change no file.
const HARMLESS: &[&[u8]] = &[b"LD_BIND_NOW", b"LD_WARN", b"LD_VERBOSE"];

/// The call-level action. `interpreter` names the variables that load code into the tool's own
/// interpreter; none for a program that is not governed.
pub(crate) fn action(call: &Call<'_>, interpreter: &[&str]) -> Action {
    let said = call.argv.first().copied().unwrap_or(call.path);
    let mut action = Action::new(&DOMAIN, excerpt(&text(said)));
    action.set("names", call.names.iter().map(|name| text(name)).collect::<claw_policy::Value>());
    action.set("path", text(call.path).into_owned());
    let injected = call.env.iter().filter_map(|entry| {
        let name = entry.split(|&byte| byte == b'=').next().unwrap_or(entry);
        injects(name, interpreter).then(|| text(name))
    });
    action.set("injected_env", injected.collect::<claw_policy::Value>());
    action
}

/// Whether the environment has anything load code or data into the program.
pub(crate) fn injects_any(call: &Call<'_>, interpreter: &[&str]) -> bool {
    call.env.iter().any(|entry| {
        injects(entry.split(|&byte| byte == b'=').next().unwrap_or(entry), interpreter)
    })
}

fn injects(name: &[u8], interpreter: &[&str]) -> bool {
    (name.starts_with(b"LD_") && !HARMLESS.contains(&name))
        || LOADER.contains(&name)
        || interpreter.iter().any(|known| known.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let set = |names: &[&str]| names.iter().copied().collect::<Value>();
        let plain = action(&call, &[]);
        assert_eq!(
            plain.fact("injected_env"),
            Some(Reading::Known(&set(&["GCONV_PATH", "LD_PRELOAD"])))
        );
        let perl = action(&call, &["PERL5LIB"]);
        assert_eq!(
            perl.fact("injected_env"),
            Some(Reading::Known(&set(&["GCONV_PATH", "LD_PRELOAD", "PERL5LIB"])))
        );
    }
}
