//! `chmod`, `chown` and `chgrp`.

use super::{OnFiles, Read, act, flag, long, row};
use crate::call::{Call, text};
use crate::grammar::getopt::{Opt, Takes};
use crate::tool::Tool;
use claw_policy::{Action, Fact};

pub(crate) static CHMOD: Tool =
    row(&["chmod"], "chmod: ", "The mode, and the files that get it.", |context| {
        chmod(context.call)
    });
pub(crate) static CHOWN: Tool =
    row(&["chown", "chgrp"], "chown: ", "The owner, and the files that get it.", |context| {
        chown(context.call)
    });

const OPTIONS: &[Opt] = &[
    flag(&["changes"], b'c'),
    flag(&["silent", "quiet"], b'f'),
    flag(&["verbose"], b'v'),
    flag(&["recursive"], b'R'),
    flag(&["no-dereference"], b'h'),
    flag(&[], b'H'),
    flag(&[], b'L'),
    flag(&[], b'P'),
    long(&["dereference"], Takes::Nothing),
    long(&["from"], Takes::Argument),
    long(&["reference"], Takes::Argument),
    long(&["preserve-root"], Takes::Nothing),
    long(&["no-preserve-root"], Takes::Nothing),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

/// chmod(1) takes a word of mode letters after `-` for the mode: `chmod -x file`.
fn chmod(call: &Call<'_>) -> Vec<Action> {
    let is_mode = |word: &[u8]| {
        word.len() > 1
            && word[0] == b'-'
            && word[1] != b'-'
            && word[1..].iter().all(|byte| b"rwxXstugoa+=,-01234567".contains(byte))
    };
    let mode =
        call.argv.iter().skip(1).take_while(|word| **word != b"--").find(|word| is_mode(word));
    let argv: Vec<&[u8]> =
        call.argv.iter().filter(|word| mode.is_none_or(|mode| *word != mode)).copied().collect();
    // The operands live as long as the call, whichever list they were read from.
    let read = read_from(&argv, call);
    changed(call, read, mode.copied(), OnFiles::MODE)
}

fn chown(call: &Call<'_>) -> Vec<Action> {
    changed(call, Read::new(call, OPTIONS), None, OnFiles::OWNER)
}

/// Reads `argv`, whose words are those of `call`.
fn read_from<'a>(argv: &[&'a [u8]], call: &Call<'a>) -> Result<Read<'a>, String> {
    let mut operands = Vec::new();
    let inner = Call { argv, ..*call };
    let read = Read::new(&inner, OPTIONS)?;
    for operand in &read.operands {
        let bytes = argv[operand.arg];
        operands.push(crate::grammar::getopt::Located { bytes, ..*operand });
    }
    let options = read.options.iter().map(|(opt, value)| {
        let value = value.as_ref().map(|value| crate::grammar::getopt::Located {
            bytes: &argv[value.arg][value.from..],
            ..*value
        });
        (*opt, value)
    });
    Ok(Read { options: options.collect(), operands })
}

fn changed<'a>(
    call: &Call<'a>,
    read: Result<Read<'a>, String>,
    given: Option<&[u8]>,
    fact: Fact<String>,
) -> Vec<Action> {
    act(call, read, |read, action, places| {
        let mut operands = read.operands.iter();
        let what = match given {
            Some(given) => Some(given),
            None if read.has("reference") => None,
            None => operands.next().map(|operand| operand.bytes),
        };
        if let Some(what) = what {
            action.set(fact, text(what).into_owned());
        }
        for operand in operands {
            places.add(operand.bytes);
        }
        action.set(OnFiles::RECURSIVE, read.has("recursive"));
        fact.name()
    })
}
