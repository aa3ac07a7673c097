//! The files that psql's backslash commands write.

use super::copy;
use super::slash::{Argument, Command};
use crate::call::Call;

/// Notes what a command of this class writes.
pub(super) fn note(call: &Call<'_>, command: &Command, class: &str) {
    let word = |at: usize| command.arguments.get(at);
    match &*command.name {
        name if name.eq_ignore_ascii_case("copy") => match copy::output(&command.raw) {
            Ok(Some(file)) => call.writes(file),
            Ok(None) => {}
            Err(()) => call.writes_somewhere("the file of `\\copy` is not read"),
        },
        // Relative paths start there from here on.
        "cd" => match word(0).filter(|folder| folder.known) {
            Some(folder) => call.writes_into(&folder.text),
            None => call.writes_somewhere("`\\cd` leads to a folder that is not known"),
        },
        "lo_export" => file(call, word(1)),
        _ if class != "file_write" => {}
        "g" | "gx" => {
            let in_options = |argument: &&Argument| !argument.text.ends_with(')');
            let options = match word(0).is_some_and(|first| first.text.starts_with('(')) {
                true => 1 + command.arguments.iter().take_while(in_options).count(),
                false => 0,
            };
            file(call, word(options));
        }
        _ => file(call, word(0)),
    }
}

fn file(call: &Call<'_>, argument: Option<&Argument>) {
    match argument.filter(|argument| argument.known && !argument.text.contains('"')) {
        Some(argument) => call.writes(&argument.text),
        None => call.writes_somewhere("the file that psql writes is not known"),
    }
}
