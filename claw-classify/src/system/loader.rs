//! The dynamic loader as a program: `ld-linux.so.2 [OPTIONS] PROGRAM ARGS`.
//!
//! Input: the call. Output: the actions of the program it would run, read as that program's own
//! call, and one of the domain `door` for the loader itself.
//!
//! Sources: ld.so(8) and glibc's `elf/rtld.c`; musl's `ldso/dynlink.c`.
//!
//! Known gaps: the program is known by the name it is given. If that is a link or a copy, whoever
//! resolves files has to find out what it really is.

use claw_policy::{Action, Rewrite};

use crate::call::{Call, text};
use crate::exec;
use crate::language::sql;
use crate::loaders::Loads;
use crate::system::door;
use crate::tool::{
    Abilities, CannotRewrite, Change, Changed, Context, Denial, Edit, Family, Governed, Meant,
    Read, Reader, Tool,
};

/// The loader's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "ld.so",
    names: &[
        "ld.so",
        "ld-linux.so.2",
        "ld-linux.so.3",
        "ld-linux-x86-64.so.2",
        "ld-linux-x32.so.2",
        "ld-linux-aarch64.so.1",
        "ld-linux-armhf.so.3",
        "ld-linux-riscv64-lp64d.so.1",
        "ld64.so.1",
        "ld64.so.2",
        "ld-2.31.so",
        "ld-2.28.so",
        "ld-musl-x86_64.so.1",
        "ld-musl-aarch64.so.1",
        "ld-musl-armhf.so.1",
        "ld-musl-i386.so.1",
    ],
    doc: "The loader's options are read, and the program it runs is judged as its own call.",
    denial: Denial { prefix: "ld.so: ", status: 127 },
    can: Abilities { changes: sql::ROWS, ..Abilities::of(Family::Interpreters) },
    domains: &[&door::DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Change(read),
};

/// Options with a value, either the next word or after `=`.
const VALUES: &[&str] = &[
    "--argv0",
    "--audit",
    "--glibc-hwcaps-mask",
    "--glibc-hwcaps-prepend",
    "--inhibit-rpath",
    "--library-path",
    "--preload",
];

/// Those of them that say where code comes from.
const INJECT: &[&str] = &["--audit", "--glibc-hwcaps-prepend", "--library-path", "--preload"];

/// A command line of the loader.
struct Line<'a> {
    /// Where the program is in the argument vector.
    program: usize,
    argv: Vec<&'a [u8]>,
    injects: bool,
}

/// The command line, or none if the loader only shows something.
fn line<'a>(argv: &[&'a [u8]]) -> Result<Option<Line<'a>>, String> {
    let (mut at, mut injects, mut own_name) = (1, false, None);
    loop {
        let Some(&word) = argv.get(at) else { return Ok(None) };
        let Some(option) = str::from_utf8(word).ok().filter(|word| word.starts_with("--")) else {
            break;
        };
        at += 1;
        if option == "--" {
            break;
        }
        let (name, mut value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.as_bytes())),
            None => (option, None),
        };
        match name {
            // `--list` and `--verify` map the program and do not start it.
            "--help" | "--version" | "--list-tunables" | "--list-diagnostics" | "--list"
            | "--verify" => {
                return Ok(None);
            }
            "--inhibit-cache" => continue,
            _ if VALUES.contains(&name) => {}
            _ => return Err(format!("the loader's option `{name}` is not known")),
        }
        if value.is_none() {
            value = argv.get(at).copied();
            at += 1;
        }
        injects |= INJECT.contains(&name);
        if name == "--argv0" {
            own_name = value;
        }
    }
    let Some(&program) = argv.get(at) else { return Ok(None) };
    let mut inner = vec![own_name.unwrap_or(program)];
    inner.extend_from_slice(&argv[at + 1..]);
    Ok(Some(Line { program: at, argv: inner, injects }))
}

/// Calls `work` with the call of the program that the loader would run.
fn inside<T>(
    context: &Context<'_>,
    line: &Line<'_>,
    work: impl FnOnce(&Context<'_>, Meant) -> T,
) -> T {
    let call = context.call;
    let path = call.argv.get(line.program).copied().unwrap_or_default();
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let names = [name];
    let inner = Call { argv: &line.argv, path, names: &names, ..*call };
    work(&context.of(&inner), context.tools.meant(inner.names))
}

/// Why a call is not changed.
const NO_TOOL: &str = "the loader runs no tool that can make this change";

fn read(context: &Context<'_>) -> Read {
    let call = context.call;
    let line = match line(call.argv) {
        Ok(Some(line)) => line,
        Ok(None) => return Read::refused(vec![door::fact(call, "inform")], NO_TOOL),
        Err(reason) => {
            return Read::refused(vec![Action::opaque(&door::DOMAIN, &*reason, &*reason)], NO_TOOL);
        }
    };
    inside(context, &line, |inner, meant| match meant {
        Meant::Nothing => Read::refused(vec![door::fact(call, "local")], NO_TOOL),
        Meant::Tool(found) if found.name() != TOOL.name => {
            // The program's actions come first: a rewrite counts them from the call's beginning.
            let Read { mut actions, change } = found.read(inner);
            let injects = line.injects || exec::injects_any(inner, found);
            actions.push(door::fact(call, if injects { "inject" } else { "local" }));
            match found {
                Governed::Known(_) => {
                    let (program, name) = (line.program, inner.call.argv[0].to_vec());
                    Read::changed_by(actions, Loaded { program, name, change })
                }
                Governed::Declared(_) => Read::refused(actions, NO_TOOL),
            }
        }
        Meant::Tool(_) | Meant::Disputed(..) => {
            let reason = format!("the loader runs `{}`", text(inner.call.path));
            let why = "a loader that runs a loader is not read";
            Read::refused(vec![Action::opaque(&door::DOMAIN, &*reason, why)], NO_TOOL)
        }
    })
}

/// The call of a tool that the loader runs, kept to change it.
#[derive(Debug)]
struct Loaded {
    /// Where the program stands in the argument vector.
    program: usize,
    /// What the program is told to be called.
    name: Vec<u8>,
    change: Change,
}

impl Edit for Loaded {
    fn edit(&self, context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
        let words = context.call.argv;
        let mut argv = vec![self.name.as_slice()];
        argv.extend_from_slice(words.get(self.program + 1..).unwrap_or_default());
        let line = Line { program: self.program, argv, injects: false };
        let mut changed = inside(context, &line, |inner, _| self.change.make(inner, rewrites))?;
        let mut argv: Vec<Vec<u8>> =
            words.iter().take(self.program + 1).map(|word| word.to_vec()).collect();
        argv.extend(changed.argv.drain(1..));
        changed.argv = argv;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoFiles, Tools};
    use claw_policy::{Reading, Value};

    fn shown(line: &[&str], env: &[&[u8]]) -> String {
        let argv: Vec<&[u8]> = line.iter().map(|word| word.as_bytes()).collect();
        let names: &[&[u8]] = &[b"ld-linux-x86-64.so.2"];
        let facts = Tools::BUILT_IN
            .classify(&Call { argv: &argv, env, names, ..Call::default() }, &NoFiles);
        let shown = facts.actions.iter().skip(1).map(|action| match action.fact("effect") {
            Some(Reading::Known(Value::Str(effect))) => {
                format!("{}:{effect}", action.domain.name())
            }
            _ => format!("{}:?", action.domain.name()),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_program_is_judged() {
        for (line, expected) in [
            (&["ld", "/bin/ls", "-l"][..], "door:local"),
            (&["ld", "--list", "/bin/psql", "-c", "DROP TABLE t"], "door:inform"),
            (&["ld", "/x/psql", "-c", "SELECT 1"], "sql:read door:local"),
            (
                &["ld", "--argv0", "ls", "--library-path", "/tmp", "/x/psql", "-c", "DROP TABLE t"],
                "sql:ddl door:inject",
            ),
            (&["ld", "--preload=/tmp/x.so", "psql", "-c", "SELECT 1"], "sql:read door:inject"),
            (&["ld", "--frob", "psql"], "door:?"),
            (&["ld", "/lib/ld-linux.so.2", "psql"], "door:?"),
            (&["ld", "--version"], "door:inform"),
            (&["ld"], "door:inform"),
            (&[], "door:inform"),
        ] {
            assert_eq!(shown(line, &[]), expected, "{line:?}");
        }
        let env: &[&[u8]] = &[b"LD_PRELOAD=/tmp/x.so"];
        assert_eq!(shown(&["ld", "psql", "-c", "SELECT 1"], env), "sql:read door:inject");
        assert_eq!(shown(&["ld", "ls"], env), "door:local");
    }

    #[test]
    fn limits_go_to_the_program_after_the_loader() {
        let argv: &[&[u8]] = &[b"ld", b"--argv0", b"x", b"/bin/psql", b"-c", b"TABLE t"];
        let call = Call { argv, names: &[b"ld.so"], ..Call::default() };
        let limit = Rewrite {
            action: 1,
            change: claw_policy::Change::Limit(&sql::LIMIT_ROWS, 7),
            rule: "r".to_owned(),
        };
        let rewritten = Tools::BUILT_IN.read(&call, &NoFiles).rewrite(&[limit]).unwrap();
        assert_eq!(rewritten.argv[3], b"/bin/psql");
        assert_eq!(rewritten.argv[5], b"TABLE t LIMIT 7");
    }
}
