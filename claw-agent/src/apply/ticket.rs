//! Proof A: the ticket that the kernel side compares the new image with.

use claw_common::hash::{Key, of_parts};
use claw_common::ticket::{TICKET_WORDS, Ticket};

use crate::decode::{Image, Snapshot, Strings};

/// What a ticket covers besides the program and its arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// The environment.
    pub(crate) with_env: bool,
    /// The working directory, as far as it is known.
    pub(crate) with_directory: bool,
    /// Whether the image's memory is closed to other guarded processes.
    pub(crate) sealed: bool,
}

/// The ticket for the image of this snapshot, as the kernel side's map holds it.
pub(crate) fn ticket(key: Key, snapshot: &Snapshot, extent: Extent) -> [u64; TICKET_WORDS] {
    let Extent { with_env, with_directory, sealed } = extent;
    let argv = argv(&snapshot.image);
    let env = if with_env { snapshot.env.area() } else { &[] };
    let (hash, len) = of_parts(key, [argv.area(), env]);
    let Image { identity, .. } = snapshot.image;
    let directory = snapshot.working_directory.as_ref().filter(|_| with_directory);
    let ticket = Ticket {
        hash,
        len,
        arg_len: argv.area().len() as u64,
        ino: identity.ino,
        dev: identity.dev,
        with_env,
        sealed,
        with_directory: directory.is_some(),
    };
    ticket.to_words(directory.map(|directory| directory.identity))
}

/// The arguments that the image will see: those of the last program in the chain of interpreters.
pub(crate) fn argv(image: &Image) -> &Strings {
    static NONE: Strings = Strings::EMPTY;
    image.programs.last().map_or(&NONE, |program| &program.argv)
}
