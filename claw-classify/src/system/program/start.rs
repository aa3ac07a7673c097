//! The calls that a call says will be made: what a wrapper, a shell or `find -exec` starts.

use super::interpreter::{Text, given};
use super::wrapper;
use crate::call::{Call, Stdin};
use crate::language::shell::{self, Simple};
use crate::tool::{Context, Input, Start};

/// The calls of a shell's script, in its words, its file or its standard input.
pub(crate) fn of_shell(context: &Context<'_>) -> Vec<Start> {
    let Context { call, files, .. } = *context;
    match given(call.argv) {
        Ok(Text::Inline(code)) => of_text(call, code),
        Ok(Text::Script(script)) => match files.file(script).named() {
            Ok(Some(content)) => of_text(call, content),
            Ok(None) | Err(_) => Vec::new(),
        },
        Ok(Text::Stdin) => match call.stdin {
            Stdin::Content(content) => of_text(call, content),
            Stdin::Unknown | Stdin::Terminal | Stdin::Null => Vec::new(),
        },
        Ok(Text::Inform) | Err(_) => Vec::new(),
    }
}

/// The call whose words stand behind a wrapper's own.
pub(crate) fn behind_its_own_words(context: &Context<'_>) -> Vec<Start> {
    let call = context.call;
    let Ok(Some(run)) = wrapper::find(call) else { return Vec::new() };
    if let Some(text) = run.text {
        return of_text(call, text);
    }
    let mut start = Start {
        argv: call.argv[run.at..].iter().map(|word| word.to_vec()).collect(),
        env: call.env.iter().map(|entry| entry.to_vec()).collect(),
        cwd: call.cwd.map(<[u8]>::to_vec),
        stdin: if run.more { Input::Unknown } else { Input::Same },
        whole: !run.more,
    };
    if run.cleared {
        start.env.clear();
    }
    for name in &run.removed {
        start.env.retain(|entry| !names(entry, name));
    }
    for entry in &run.added {
        put(&mut start.env, entry);
    }
    if let Some(folder) = run.folder {
        start.cwd = Some(folder.to_vec()).filter(|folder| folder.starts_with(b"/"));
    }
    vec![start]
}

fn names(entry: &[u8], name: &[u8]) -> bool {
    entry.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"="))
}

/// Sets a variable, replacing one of the same name.
fn put(env: &mut Vec<Vec<u8>>, entry: &[u8]) {
    let name = entry.split(|byte| *byte == b'=').next().unwrap_or(entry);
    env.retain(|old| !names(old, name));
    env.push(entry.to_vec());
}

/// The calls of a text of the shell.
fn of_text(call: &Call<'_>, text: &[u8]) -> Vec<Start> {
    let Ok(commands) = shell::commands(text) else { return Vec::new() };
    let mut env: Vec<Vec<u8>> = call.env.iter().map(|entry| entry.to_vec()).collect();
    let mut cwd = call.cwd().map(<[u8]>::to_vec);
    let mut found = Vec::new();
    for Simple { assignments, mut words, input } in commands {
        let known: Vec<Vec<u8>> = assignments
            .into_iter()
            .filter_map(|(name, value)| Some([name, value?].join(&b'=')))
            .collect();
        // `command` and `exec` run what follows them.
        while matches!(words.first(), Some(Some(word)) if matches!(word.as_slice(), b"command" | b"exec" | b"builtin"))
        {
            words.remove(0);
        }
        let whole = words.iter().all(Option::is_some);
        let argv: Vec<Vec<u8>> = words.into_iter().map_while(|word| word).collect();
        match argv.first().map(Vec::as_slice) {
            None => {}
            Some(b"export" | b"declare" | b"typeset") => {
                argv[1..]
                    .iter()
                    .filter(|word| word.contains(&b'='))
                    .for_each(|word| put(&mut env, word));
            }
            Some(b"unset") => {
                argv[1..].iter().for_each(|name| env.retain(|entry| !names(entry, name)));
            }
            Some(b"cd" | b"pushd" | b"popd") => {
                cwd = argv.get(1).filter(|folder| folder.starts_with(b"/")).cloned();
            }
            Some(b"eval") if whole => {
                let inner = Call { cwd: cwd.as_deref(), ..*call };
                found.extend(of_text(&inner, &argv[1..].join(&b' ')));
            }
            Some(_) => {
                let mut env = env.clone();
                known.iter().for_each(|entry| put(&mut env, entry));
                let stdin = match input {
                    shell::Input::Same => Input::Same,
                    shell::Input::Text(text) => Input::Content(text),
                    shell::Input::Other => Input::Unknown,
                };
                found.push(Start { argv, env, cwd: cwd.clone(), stdin, whole });
            }
        }
    }
    found
}
