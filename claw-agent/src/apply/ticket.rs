//! Proof A: the ticket that the kernel side compares the new image with.

use claw_common::hash::{Key, of_parts};
use claw_common::ticket::Ticket;

use crate::decode::{Image, Snapshot, Strings};

/// The ticket for the image of this snapshot, with the environment where the verdict looked at it; `sealed` keeps
/// others from the image's memory.
pub(crate) fn ticket(key: Key, snapshot: &Snapshot, with_env: bool, sealed: bool) -> Ticket {
    let argv = argv(&snapshot.image);
    let env = if with_env { snapshot.env.area() } else { &[] };
    let (hash, len) = of_parts(key, [argv.area(), env]);
    let Image { identity, .. } = snapshot.image;
    Ticket {
        hash,
        len,
        arg_len: argv.area().len() as u64,
        ino: identity.ino,
        dev: identity.dev,
        with_env,
        sealed,
    }
}

/// The arguments that the image will see: those of the last program on the way.
pub(crate) fn argv(image: &Image) -> &Strings {
    static NONE: Strings = Strings::EMPTY;
    image.programs.last().map_or(&NONE, |program| &program.argv)
}
