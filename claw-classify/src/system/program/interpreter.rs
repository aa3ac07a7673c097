//! Shells and interpreters: where the code comes from that they run.

use std::collections::BTreeSet;

use claw_policy::Action;

use super::{DOMAIN, Program, action, base};
use crate::call::{Call, text};
use crate::grammar::subcommands::said;
use crate::language::shell as words;
use crate::loaders::Runtime;
use crate::tool::{Context, Governed, Meant, Tool};
use crate::unread;

/// How an interpreter's options are read.
pub(super) struct Grammar {
    /// Options whose value is the text to run.
    code: &'static [&'static str],
    /// Options whose value is a file to run.
    file: &'static [&'static str],
    /// Options whose value is a module to run.
    module: &'static [&'static str],
    /// Other options with a value in the same or the next word.
    values: &'static [&'static str],
    /// Letters that take the rest of their word and nothing else.
    glued: &'static [u8],
    /// Whether the first operand is the text and not a file.
    bare_code: bool,
    /// Whether options may follow the first operand.
    mixed: bool,
}

const NONE: Grammar = Grammar {
    code: &[],
    file: &[],
    module: &[],
    values: &[],
    glued: &[],
    bare_code: false,
    mixed: false,
};

pub(super) const PYTHON: Grammar = Grammar {
    code: &["-c"],
    module: &["-m"],
    values: &["-W", "-X", "-Q", "--check-hash-based-pycs"],
    ..NONE
};
pub(super) const PERL: Grammar =
    Grammar { code: &["-e", "-E"], values: &["-I"], glued: b"0CdDFilmMVx", ..NONE };
pub(super) const RUBY: Grammar = Grammar {
    code: &["-e"],
    values: &["-r", "-I", "-C", "-E", "-F", "--encoding", "--external-encoding"],
    glued: b"0iKTWx",
    ..NONE
};
pub(super) const NODE: Grammar = Grammar {
    code: &["-e", "--eval", "-p", "--print", "-pe"],
    values: &["-r", "--require", "--import", "--loader", "-C", "--conditions", "--env-file"],
    ..NONE
};
pub(super) const PHP: Grammar = Grammar {
    code: &["-r", "-B", "-R", "-E"],
    file: &["-f", "--file", "-F"],
    values: &["-c", "-d", "-S", "-t", "-z"],
    ..NONE
};
pub(super) const LUA: Grammar = Grammar { code: &["-e"], values: &["-l"], ..NONE };
pub(super) const AWK: Grammar = Grammar {
    code: &["-e", "--source"],
    file: &["-f", "--file", "-E", "--exec"],
    values: &["-F", "--field-separator", "-v", "--assign", "-i", "--include", "-l", "--load"],
    bare_code: true,
    ..NONE
};
pub(super) const JQ: Grammar = Grammar {
    file: &["-f", "--from-file"],
    values: &["-L", "--indent"],
    bare_code: true,
    mixed: true,
    ..NONE
};

/// Where an interpreter takes its code from.
#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    Inform,
    Inline(&'a [u8]),
    Module(&'a [u8]),
    Script(&'a [u8]),
    Stdin,
}

/// The source, and the place of the word after it.
fn find<'a>(argv: &[&'a [u8]], grammar: &Grammar) -> (Source<'a>, usize) {
    let is = |list: &[&str], name: &[u8]| list.iter().any(|known| known.as_bytes() == name);
    let mut at = 1;
    let mut source = None;
    while let Some(&word) = argv.get(at) {
        at += 1;
        if word == b"--" || word == b"-" || !word.starts_with(b"-") {
            let operand = if word == b"--" { argv.get(at).copied() } else { Some(word) };
            at += usize::from(word == b"--");
            return match (source, operand) {
                (Some(source), _) => (source, at - 1),
                (None, None | Some(b"-")) => (Source::Stdin, at),
                (None, Some(operand)) if grammar.bare_code => (Source::Inline(operand), at),
                (None, Some(operand)) => (Source::Script(operand), at),
            };
        }
        if matches!(word, b"--help" | b"--version")
            || (word.len() == 2 && matches!(word[1], b'h' | b'V'))
        {
            return (Source::Inform, at);
        }
        if word.starts_with(b"--") {
            let equals = word.iter().position(|byte| *byte == b'=');
            let name = &word[..equals.unwrap_or(word.len())];
            let takes =
                is(grammar.code, name) || is(grammar.file, name) || is(grammar.values, name);
            let value = match equals {
                Some(equals) => Some(&word[equals + 1..]),
                None if takes => {
                    at += 1;
                    argv.get(at - 1).copied()
                }
                None => None,
            };
            let value = value.unwrap_or_default();
            if is(grammar.code, name) {
                source = Some(Source::Inline(value));
            } else if is(grammar.file, name) {
                source = Some(Source::Script(value));
            }
            continue;
        }
        for place in 1..word.len() {
            let letter = [b'-', word[place]];
            if grammar.glued.contains(&word[place]) {
                break;
            }
            let (code, file, module) =
                (is(grammar.code, &letter), is(grammar.file, &letter), is(grammar.module, &letter));
            if !(code || file || module || is(grammar.values, &letter)) {
                continue;
            }
            let rest = &word[place + 1..];
            let value = if rest.is_empty() {
                at += 1;
                argv.get(at - 1).copied().unwrap_or_default()
            } else {
                rest
            };
            let found = if code {
                Source::Inline(value)
            } else if module {
                Source::Module(value)
            } else if file {
                Source::Script(value)
            } else {
                break;
            };
            // Python reads no further option after `-c` and `-m`.
            if !grammar.module.is_empty() {
                return (found, at);
            }
            source.get_or_insert(found);
            break;
        }
    }
    (source.unwrap_or(Source::Stdin), at)
}

fn facts(call: &Call<'_>, kind: &'static str, source: &Source<'_>) -> Action {
    let found = |name| action(call, kind, name);
    match source {
        Source::Inform => found("inform"),
        Source::Inline(code) => found("inline").with(Program::CODE, text(code).into_owned()),
        Source::Module(module) => found("module").with(Program::MODULE, text(module).into_owned()),
        Source::Script(script) => found("script").with(Program::SCRIPT, text(script).into_owned()),
        Source::Stdin => found("stdin"),
    }
}

pub(super) fn read(call: &Call<'_>, grammar: &Grammar) -> Action {
    let (source, rest) = find(call.argv, grammar);
    if grammar.mixed && source == Source::Stdin {
        // Without a filter it only shows its usage.
        return action(call, "interpreter", "inform");
    }
    debug_assert!(rest <= call.argv.len() + 1, "{rest}");
    facts(call, "interpreter", &source)
}

/// Options of deno with a value in the next word.
const DENO_VALUES: &[&[u8]] = &[
    b"--cert",
    b"--conditions",
    b"--config",
    b"--ext",
    b"--import-map",
    b"--location",
    b"--log-level",
    b"--seed",
    b"--v8-flags",
    b"-L",
    b"-c",
];

pub(super) fn deno(call: &Call<'_>) -> Action {
    let mut words = call.argv.iter().copied().skip(1);
    let mut operands = Vec::new();
    while let Some(word) = words.next() {
        if matches!(word, b"--help" | b"-h" | b"--version" | b"-V") {
            return action(call, "interpreter", "inform");
        }
        if DENO_VALUES.contains(&word) {
            words.next();
        } else if word == b"-" || !word.starts_with(b"-") {
            operands.push(word);
            // What follows a script belongs to the script.
            let begins =
                !matches!(word, b"run" | b"eval" | b"serve" | b"task" | b"test" | b"bench");
            if begins || operands.len() > 1 {
                break;
            }
        }
    }
    let source = match &operands[..] {
        [] | [b"repl", ..] | [b"run", b"-"] => Source::Stdin,
        [b"eval", code] => Source::Inline(code),
        [b"run" | b"serve", script] => Source::Script(script),
        [b"task", task] => Source::Module(task),
        [b"test" | b"bench", rest @ ..] => Source::Script(rest.first().copied().unwrap_or(b".")),
        [script] if script.contains(&b'.') || script.contains(&b'/') => Source::Script(script),
        [command, ..] => {
            let reason = format!("what `deno {}` does is not read", text(command));
            return Action::opaque(&DOMAIN, said(call.argv), reason);
        }
    };
    facts(call, "interpreter", &source)
}

/// What a shell is given (its text, the script, or standard input), and the place of the word after
/// it.
pub(super) enum Text<'a> {
    Inform,
    Inline(&'a [u8]),
    Script(&'a [u8]),
    Stdin,
}

/// Reads a shell's command line (sh(1), bash(1)).
///
/// # Errors
/// If an option is not known.
pub(super) fn given<'a>(argv: &[&'a [u8]]) -> Result<Text<'a>, String> {
    let (mut at, mut inline, mut stdin) = (1, false, false);
    while let Some(&word) = argv.get(at) {
        let Some(letters) = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")) else {
            break;
        };
        at += 1;
        match letters {
            b"" | b"-" => break,
            b"-help" | b"-version" => return Ok(Text::Inform),
            b"-rcfile" | b"-init-file" => at += 1,
            long if long.starts_with(b"-") => {
                const PLAIN: &[&[u8]] = &[
                    b"-debugger",
                    b"-dump-po-strings",
                    b"-dump-strings",
                    b"-login",
                    b"-noediting",
                    b"-noprofile",
                    b"-norc",
                    b"-posix",
                    b"-restricted",
                    b"-verbose",
                    b"-wordexp",
                ];
                if !PLAIN.contains(&long) {
                    return Err(format!("the shell's option `{}` is not known", text(word)));
                }
            }
            letters => {
                for letter in letters {
                    match letter {
                        b'c' if word.starts_with(b"-") => inline = true,
                        b's' => stdin = true,
                        b'o' | b'O' => at += 1,
                        _ => {}
                    }
                }
            }
        }
    }
    let operand = argv.get(at).copied();
    Ok(match operand {
        _ if inline => Text::Inline(operand.unwrap_or_default()),
        Some(script) if !stdin => Text::Script(script),
        _ => Text::Stdin,
    })
}

pub(super) fn shell(call: &Call<'_>) -> Action {
    let given = match given(call.argv) {
        Ok(given) => given,
        Err(reason) => return Action::opaque(&DOMAIN, said(call.argv), reason),
    };
    let source = match given {
        Text::Inform => Source::Inform,
        Text::Inline(code) => Source::Inline(code),
        Text::Script(script) => Source::Script(script),
        Text::Stdin => Source::Stdin,
    };
    let mut action = facts(call, "shell", &source);
    if let Source::Inline(code) = source {
        match words::commands(code) {
            Ok(found) => {
                let named = found.iter().filter_map(|simple| simple.words.first()?.as_deref());
                action.set(Program::PROGRAMS, named.map(base).collect::<BTreeSet<_>>());
            }
            Err(reason) => action.set_opaque(Program::PROGRAMS, reason),
        }
    }
    action
}

/// Modules that are a tool when `python -m` runs them.
const MODULES: &[(&[u8], &[u8])] = &[
    (b"awscli", b"aws"),
    (b"awscli.__main__", b"aws"),
    (b"azure.cli", b"az"),
    (b"azure.cli.__main__", b"az"),
    (b"pip", b"pip"),
    (b"pip.__main__", b"pip"),
    (b"pipx", b"pipx"),
    (b"poetry", b"poetry"),
];

/// A governed tool that an interpreter runs itself, because no other program starts then.
pub(crate) struct StandsFor {
    /// The tool.
    pub(crate) tool: &'static Tool,
    /// The name it goes by.
    pub(crate) name: Vec<u8>,
    /// Where its own words begin.
    pub(crate) rest: usize,
}

/// The governed tool that a call of an interpreter is.
pub(crate) fn stands_for(context: &Context<'_>, interpreter: &Tool) -> Option<StandsFor> {
    let call = context.call;
    let grammars: [(&Tool, &Grammar); 5] = [
        (&super::PYTHON, &PYTHON),
        (&super::NODE, &NODE),
        (&super::PERL, &PERL),
        (&super::PHP, &PHP),
        (&super::RUBY, &RUBY),
    ];
    let (_, grammar) = grammars.into_iter().find(|(known, _)| std::ptr::eq(*known, interpreter))?;
    let (source, rest) = find(call.argv, grammar);
    let python = std::ptr::eq(interpreter, &super::PYTHON);
    let (names, is_read) = match source {
        Source::Module(module) => names_of_module(module),
        Source::Script(script) => {
            (vec![script.rsplit(|byte| *byte == b'/').next()?.to_vec()], python)
        }
        Source::Inform | Source::Inline(_) | Source::Stdin => return None,
    };
    names.into_iter().find_map(|name| match context.tools.meant(&[&name]) {
        Meant::Tool(Governed::Known(tool)) if !std::ptr::eq(tool, interpreter) => {
            // Python runs only a tool that is written in Python; what is known by name alone may be written in anything.
            let written = is_read && tool.loads.runtimes.contains(&Runtime::Python);
            let runs = written || unread::is_one(tool);
            runs.then(|| StandsFor { tool, name, rest: rest.min(call.argv.len()) })
        }
        _ => None,
    })
}

/// The names of the programs that a module of Python may be, and whether it is known to be one of these.
fn names_of_module(module: &[u8]) -> (Vec<Vec<u8>>, bool) {
    if let Some((_, name)) = MODULES.iter().find(|(known, _)| *known == module) {
        return (vec![name.to_vec()], true);
    }
    let package = module.split(|byte| *byte == b'.').next().unwrap_or(module);
    let dashed = package.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect();
    (vec![package.to_vec(), dashed], false)
}
