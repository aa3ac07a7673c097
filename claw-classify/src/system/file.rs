//! Programs that remove, overwrite or change files: `rm`, `mv`, `cp`, `dd`, `shred`, `truncate`,
//! `mkfs`, `wipefs`, `chmod`, `chown` and similar programs, `find`, `tar` and `unzip`.
//!
//! Input: the call. Output: one action of the domain `file`, with the paths it is about made
//! absolute by the text of the path and of the working directory.
//!
//! Sources: the manuals of GNU coreutils 9, findutils 4.9 and tar 1.34, of util-linux 2.38,
//! e2fsprogs and Info-ZIP; Debian 12.
//!
//! Known gaps: symbolic links are not followed, so a path can be elsewhere than it says. What a
//! shell writes by `>` is not a program's argument and not seen here. `sed -i`, editors and
//! compilers write files too. At the level `held` the working directory of a live call is not known,
//! because only the kernel's proof shows that no other process can change it: relative `targets`, and
//! the `places` of all paths, are opaque there.

mod archive;
mod disk;
mod find;
mod owner;

use claw_policy::{Action, Domain, Set, domain};

use crate::call::{Call, text};
use crate::grammar::getopt::{self, Item, Located, Opt, Takes};
use crate::grammar::subcommands::said;
use crate::system::places::{self, Places};
use crate::tool::{Classifier, Family, Tool};

pub(crate) use archive::{SECRETS, TAR, UNZIP, ZIP};
pub(crate) use disk::{DD, FDISK, MKFS, WIPEFS};
pub(crate) use find::FIND;
pub(crate) use owner::{CHMOD, CHOWN};

domain! {
    /// What a call removes, overwrites or changes in the file system.
    pub(crate) static DOMAIN: OnFiles = "file", governed: false, sealed: false;

    /// `inform` changes nothing, `delete` removes files, `move` removes them from where they are, `copy` and
    /// `archive` write new files from others, `overwrite` replaces the content of a file or device, `extract`
    /// writes the files of an archive, `format` makes or wipes a file system, `mode` and `owner` change who may do
    /// what, `run` starts a program for files.
    EFFECT: String = "effect" of &[
        "archive", "copy", "delete", "extract", "format", "inform", "mode", "move", "overwrite",
        "owner", "run",
    ];
    /// The absolute paths that the call removes, writes or walks through. `extract` gives the folder.
    TARGETS: Set = "targets";
    /// Where the targets are: `inside` below the working directory, `working_directory` it or a folder above it,
    /// `outside` anywhere else, `root` the root folder, `home` the home folder or one above it, `system` below
    /// /bin, /boot, /etc, /lib*, /opt, /proc, /run, /sbin, /srv, /sys, /usr or /var, `device` below /dev,
    /// `temporary` below /tmp, /var/tmp or /dev/shm, `repository` a `.git` folder or what is in one.
    PLACES: Set = "places" of places::NAMES;
    /// What is removed or given another mode or owner with everything below it: `root` all there is,
    /// `home` a home folder or all of them, `system` a folder that the system is made of; or `device`, a device that is
    /// overwritten or formatted. For accidents: where the working directory is not proven, the one that was seen counts.
    WIPES: Set = "wipes" of &["device", "home", "root", "system"];
    /// Whether everything below the targets is affected too.
    RECURSIVE: bool = "recursive";
    /// Whether it is told to ask nothing, or to overwrite existing files.
    FORCE: bool = "force";
    /// The mode that `chmod` gives, as it is written.
    MODE: String = "mode";
    /// The owner and group that `chown` or `chgrp` gives, as they are written.
    OWNER: String = "owner";
    /// The base names of the programs that it is told to start.
    PROGRAMS: Set = "programs";
}

static DOMAINS: &[&Domain] = &[&DOMAIN];

const fn row(
    names: &'static [&'static str],
    prefix: &'static str,
    doc: &'static str,
    classify: Classifier,
) -> Tool {
    Tool::judged(Family::Files, names, prefix, doc, DOMAINS, classify)
}

const fn flag(long: &'static [&'static str], short: u8) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Nothing }
}

const fn value(long: &'static [&'static str], short: u8) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Value }
}

const fn perhaps(long: &'static [&'static str], short: u8) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Switch }
}

const fn long(long: &'static [&'static str], takes: Takes) -> Opt {
    Opt { long, short: None, takes }
}

/// The row of `rm` and of programs that remove as it does.
pub(crate) static RM: Tool =
    row(&["rm", "rmdir", "unlink"], "rm: ", "The files that are removed, and how.", |context| {
        rm(context.call)
    });
pub(crate) static MV: Tool =
    row(&["mv"], "mv: ", "The files that are moved, and where to.", |context| {
        moved(context.call, "move", MV_OPTIONS)
    });
pub(crate) static CP: Tool = row(
    &["cp", "install", "ln"],
    "cp: ",
    "The files that are written; the files they are copied from are not targets.",
    |context| moved(context.call, "copy", CP_OPTIONS),
);
pub(crate) static TEE: Tool = row(&["tee"], "tee: ", "The files that are written.", |context| {
    written(context.call, TEE_OPTIONS)
});
pub(crate) static TRUNCATE: Tool =
    row(&["truncate", "fallocate"], "truncate: ", "The files that are cut or filled.", |context| {
        written(context.call, TRUNCATE_OPTIONS)
    });
pub(crate) static SHRED: Tool =
    row(&["shred"], "shred: ", "The files that are overwritten or removed.", |context| {
        shred(context.call)
    });

/// A command line that getopt has read.
struct Read<'a> {
    options: Vec<(&'static Opt, Option<Located<'a>>)>,
    operands: Vec<Located<'a>>,
}

impl<'a> Read<'a> {
    /// The options and operands of `call`, or why the program refuses them.
    fn new(call: &Call<'a>, options: &'static [Opt]) -> Result<Self, String> {
        let mut read = Self { options: Vec::new(), operands: Vec::new() };
        for item in getopt::read(call.argv, options, call.var("POSIXLY_CORRECT").is_some()) {
            match item {
                Item::Option { opt, value } => read.options.push((opt, value)),
                Item::Operand(operand) => read.operands.push(operand),
                Item::Refused { word, why } => return Err(format!("{why}: `{}`", text(word))),
            }
        }
        Ok(read)
    }

    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(opt, _)| opt.name() == name)
    }

    fn has_letter(&self, letter: u8) -> bool {
        self.options.iter().any(|(opt, _)| opt.short == Some(letter))
    }

    /// Whether what is below the operands is meant too: `-r`, `-R`, `--recursive`.
    fn recursive(&self) -> bool {
        self.has("recursive") || self.has_letter(b'R')
    }

    fn value(&self, name: &str) -> Option<&'a [u8]> {
        let named = self.options.iter().rev().find(|(opt, _)| opt.name() == name);
        named.and_then(|(_, value)| value.as_ref()).map(|value| value.bytes)
    }

    /// Whether it only shows something about itself.
    fn informs(&self) -> bool {
        self.has("help") || self.has("version")
    }
}

/// One action with an effect, or an opaque one if the line was not read.
fn act<'a>(
    call: &Call<'a>,
    read: Result<Read<'a>, String>,
    rest: impl FnOnce(&Read<'a>, &mut Action, &mut Places<'a>) -> &'static str,
) -> Vec<Action> {
    let said = said(call.argv);
    let read = match read {
        Ok(read) => read,
        Err(reason) => return vec![Action::opaque(&DOMAIN, said, reason)],
    };
    let mut action = Action::new(&DOMAIN, said);
    if read.informs() {
        return vec![action.with(OnFiles::EFFECT, "inform")];
    }
    let mut places = Places::of(call);
    let effect = rest(&read, &mut action, &mut places);
    action.set(OnFiles::EFFECT, effect);
    places.set(&mut action);
    vec![action]
}

const RM_OPTIONS: &[Opt] = &[
    flag(&["force"], b'f'),
    flag(&["recursive"], b'r'),
    flag(&[], b'R'),
    flag(&["dir"], b'd'),
    flag(&["verbose"], b'v'),
    flag(&[], b'i'),
    flag(&[], b'I'),
    flag(&["parents"], b'p'),
    long(&["interactive"], Takes::Switch),
    long(&["preserve-root"], Takes::Switch),
    long(&["no-preserve-root"], Takes::Nothing),
    long(&["one-file-system"], Takes::Nothing),
    long(&["ignore-fail-on-non-empty"], Takes::Nothing),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

fn rm(call: &Call<'_>) -> Vec<Action> {
    act(call, Read::new(call, RM_OPTIONS), |read, action, places| {
        for operand in &read.operands {
            places.add(operand.bytes);
        }
        action.set(OnFiles::RECURSIVE, read.recursive());
        action.set(OnFiles::FORCE, read.has("force"));
        "delete"
    })
}

const MV_OPTIONS: &[Opt] = &[
    flag(&["force"], b'f'),
    flag(&["interactive"], b'i'),
    flag(&["no-clobber"], b'n'),
    perhaps(&["update"], b'u'),
    flag(&["verbose"], b'v'),
    flag(&["context"], b'Z'),
    perhaps(&["backup"], b'b'),
    flag(&["no-target-directory"], b'T'),
    value(&["target-directory"], b't'),
    value(&["suffix"], b'S'),
    long(&["strip-trailing-slashes"], Takes::Nothing),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

/// Those of `cp`, `install` and `ln` together. A letter that means different things in them takes
/// no argument only if none of them gives it one.
const CP_OPTIONS: &[Opt] = &[
    flag(&["force"], b'f'),
    flag(&["recursive"], b'r'),
    flag(&[], b'R'),
    flag(&["archive"], b'a'),
    flag(&["interactive"], b'i'),
    flag(&["no-clobber"], b'n'),
    flag(&["no-dereference"], b'P'),
    flag(&["dereference"], b'L'),
    flag(&[], b'H'),
    flag(&["link"], b'l'),
    flag(&["symbolic", "symbolic-link"], b's'),
    flag(&[], b'p'),
    flag(&["preserve-timestamps"], b'c'),
    perhaps(&["update"], b'u'),
    flag(&["verbose"], b'v'),
    flag(&["one-file-system"], b'x'),
    flag(&["context"], b'Z'),
    flag(&["directory"], b'd'),
    flag(&[], b'D'),
    perhaps(&["backup"], b'b'),
    flag(&["compare"], b'C'),
    flag(&["no-target-directory"], b'T'),
    value(&["target-directory"], b't'),
    value(&["suffix"], b'S'),
    value(&["mode"], b'm'),
    value(&["owner"], b'o'),
    value(&["group"], b'g'),
    long(&["preserve"], Takes::Switch),
    long(&["no-preserve"], Takes::Value),
    long(&["reflink"], Takes::Switch),
    long(&["sparse"], Takes::Value),
    long(&["parents"], Takes::Nothing),
    long(&["attributes-only"], Takes::Nothing),
    long(&["copy-contents"], Takes::Nothing),
    long(&["remove-destination"], Takes::Nothing),
    long(&["strip-trailing-slashes"], Takes::Nothing),
    long(&["relative"], Takes::Nothing),
    long(&["physical"], Takes::Nothing),
    long(&["logical"], Takes::Nothing),
    long(&["strip"], Takes::Nothing),
    long(&["strip-program"], Takes::Value),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

/// `mv` and `cp`: they write the last operand, or `-t`; `mv` removes the others.
fn moved(call: &Call<'_>, effect: &'static str, options: &'static [Opt]) -> Vec<Action> {
    act(call, Read::new(call, options), |read, action, places| {
        let folder = read.value("target-directory");
        // `install -d` makes each of them; `ln TARGET` links to it from the working directory.
        let all = effect == "move" || (read.has("directory") && folder.is_none());
        let written = usize::from(folder.is_none() && read.operands.len() > 1);
        let skipped = if all { 0 } else { read.operands.len() - written };
        for operand in &read.operands[skipped.min(read.operands.len())..] {
            places.add(operand.bytes);
        }
        if let Some(folder) = folder {
            places.add(folder);
        } else if read.operands.len() == 1 && effect == "copy" && !all {
            places.add(b".");
        }
        if let Some(program) = read.value("strip-program") {
            action.set(OnFiles::PROGRAMS, [text(program)].into_iter().collect::<Set>());
        }
        action.set(OnFiles::RECURSIVE, effect == "move" || read.recursive() || read.has("archive"));
        // ln(1)'s `-n` follows no link; it is not about overwriting.
        let links = call.argv.first().is_some_and(|name| name.ends_with(b"ln"));
        let keeps = (read.has("no-clobber") && !links) || read.has("interactive");
        action.set(OnFiles::FORCE, !keeps);
        effect
    })
}

const TEE_OPTIONS: &[Opt] = &[
    flag(&["append"], b'a'),
    flag(&["ignore-interrupts"], b'i'),
    flag(&[], b'p'),
    long(&["output-error"], Takes::Switch),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

/// Those of `truncate` and util-linux's `fallocate` together.
const TRUNCATE_OPTIONS: &[Opt] = &[
    value(&["size"], b's'),
    value(&["reference"], b'r'),
    value(&["length"], b'l'),
    flag(&["no-create"], b'c'),
    flag(&["io-blocks"], b'o'),
    flag(&["dig-holes"], b'd'),
    flag(&["collapse-range"], b'C'),
    flag(&["punch-hole"], b'p'),
    flag(&["zero-range"], b'z'),
    flag(&["keep-size"], b'n'),
    flag(&["posix"], b'x'),
    flag(&["verbose"], b'v'),
    long(&["offset"], Takes::Value),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

fn written(call: &Call<'_>, options: &'static [Opt]) -> Vec<Action> {
    act(call, Read::new(call, options), |read, action, places| {
        for operand in &read.operands {
            places.add(operand.bytes);
        }
        action.set(OnFiles::FORCE, !read.has("append"));
        if read.operands.is_empty() { "inform" } else { "overwrite" }
    })
}

const SHRED_OPTIONS: &[Opt] = &[
    flag(&["force"], b'f'),
    value(&["iterations"], b'n'),
    value(&["size"], b's'),
    perhaps(&["remove"], b'u'),
    flag(&["verbose"], b'v'),
    flag(&["exact"], b'x'),
    flag(&["zero"], b'z'),
    long(&["random-source"], Takes::Value),
    long(&["help"], Takes::Nothing),
    long(&["version"], Takes::Nothing),
];

fn shred(call: &Call<'_>) -> Vec<Action> {
    act(call, Read::new(call, SHRED_OPTIONS), |read, action, places| {
        for operand in &read.operands {
            places.add(operand.bytes);
        }
        action.set(OnFiles::FORCE, read.has("force"));
        if read.has("remove") { "delete" } else { "overwrite" }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_has_these_facts() {
        crate::corpus::check(include_str!("../../corpus/file.toml"));
    }
}
