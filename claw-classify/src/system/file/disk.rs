//! `dd`, `mkfs`, `wipefs` and the editors of partition tables.

use claw_policy::Action;

use super::{DOMAIN, OnFiles, Read, act, flag, long, row, value};
use crate::call::Call;
use crate::grammar::getopt::{Opt, Takes};
use crate::grammar::subcommands::said;
use crate::system::places::Places;
use crate::tool::Tool;

pub(crate) static DD: Tool =
    row(&["dd"], "dd: ", "The file that `of` names; the other operands are not read.", |context| {
        dd(context.call)
    });
pub(crate) static MKFS: Tool = row(
    &[
        "mkfs",
        "mkfs.bfs",
        "mkfs.btrfs",
        "mkfs.cramfs",
        "mkfs.exfat",
        "mkfs.ext2",
        "mkfs.ext3",
        "mkfs.ext4",
        "mkfs.f2fs",
        "mkfs.fat",
        "mkfs.minix",
        "mkfs.msdos",
        "mkfs.ntfs",
        "mkfs.vfat",
        "mkfs.xfs",
        "mke2fs",
        "mkswap",
    ],
    "mkfs: ",
    "Every operand that is a path counts as a target.",
    |context| whole(context.call, "format", &[b"-V", b"--version", b"--help", b"-h"]),
);
pub(crate) static WIPEFS: Tool =
    row(&["wipefs", "blkdiscard"], "wipefs: ", "Whether it wipes or lists.", |context| {
        wipefs(context.call)
    });
pub(crate) static FDISK: Tool = row(
    &["fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted"],
    "fdisk: ",
    "Calls that only list are recognised; every other may write.",
    |context| fdisk(context.call),
);

/// dd's operands are `NAME=VALUE` (dd(1)).
fn dd(call: &Call<'_>) -> Vec<Action> {
    let mut action = Action::new(&DOMAIN, said(call.argv));
    if matches!(call.argv, [_, b"--help" | b"--version"]) {
        return vec![action.with(OnFiles::EFFECT, "inform")];
    }
    let mut places = Places::of(call);
    let mut outputs = call.argv.iter().skip(1).filter_map(|word| word.strip_prefix(b"of="));
    // The last of several counts.
    let output = outputs.next_back();
    if let Some(output) = output {
        places.add(output);
    }
    action.set(OnFiles::EFFECT, if output.is_some() { "overwrite" } else { "inform" });
    places.set(&mut action);
    vec![action]
}

/// Every operand is a target. Letters of options are not read, so a value in a word of its own
/// counts as an operand too.
fn whole(call: &Call<'_>, effect: &'static str, informs: &[&[u8]]) -> Vec<Action> {
    let mut action = Action::new(&DOMAIN, said(call.argv));
    let words = call.argv.get(1..).unwrap_or_default();
    if words.is_empty() || matches!(words, [only] if informs.contains(only)) {
        return vec![action.with(OnFiles::EFFECT, "inform")];
    }
    let mut places = Places::of(call);
    for word in words.iter().filter(|word| word.starts_with(b"/") || word.contains(&b'.')) {
        places.add(word);
    }
    action.set(OnFiles::EFFECT, effect);
    places.set(&mut action);
    vec![action]
}

const WIPEFS_OPTIONS: &[Opt] = &[
    flag(&["all"], b'a'),
    flag(&["backup"], b'b'),
    flag(&["force"], b'f'),
    flag(&["noheadings"], b'i'),
    flag(&["json"], b'J'),
    flag(&["no-act"], b'n'),
    value(&["offset"], b'o'),
    value(&["output"], b'O'),
    flag(&["parsable"], b'p'),
    flag(&["quiet"], b'q'),
    value(&["types"], b't'),
    long(&["lock"], Takes::Perhaps),
    flag(&["help"], b'h'),
    flag(&["version"], b'V'),
];

fn wipefs(call: &Call<'_>) -> Vec<Action> {
    if call.argv.first().is_some_and(|name| name.ends_with(b"blkdiscard")) {
        return whole(call, "format", &[b"--help", b"--version", b"-h", b"-V"]);
    }
    act(call, Read::new(call, WIPEFS_OPTIONS), |read, action, places| {
        for operand in &read.operands {
            places.add(operand.bytes);
        }
        action.set(OnFiles::FORCE, read.has("force"));
        let wipes = (read.has("all") || read.has("offset")) && !read.has("no-act");
        if wipes { "format" } else { "inform" }
    })
}

fn fdisk(call: &Call<'_>) -> Vec<Action> {
    const LISTS: &[&[u8]] = &[
        b"-l",
        b"--list",
        b"-d",
        b"--dump",
        b"-J",
        b"--json",
        b"-x",
        b"-s",
        b"-p",
        b"--print",
        b"print",
        b"-v",
        b"--version",
        b"-V",
        b"-h",
        b"--help",
    ];
    let lists = call.argv.get(1).is_some_and(|word| LISTS.contains(word));
    if lists {
        return vec![Action::new(&DOMAIN, said(call.argv)).with(OnFiles::EFFECT, "inform")];
    }
    whole(call, "format", &[])
}
