//! Ansible's programs except `ansible-galaxy`, which is a package manager.
//!
//! Source: the manuals of ansible-core 2.18; Python's argparse, which accepts unambiguous
//! beginnings.
//!
//! Known gaps: playbooks, roles, inventories and `ansible.cfg` are not read.

use super::{Infra, PLAIN, Program};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Line, Options, Spelling, Table};

const OPTIONS: Options = Options {
    switches: "--help,-h --version --verbose,-v --become,-b --ask-become-pass,-K --ask-pass,-k --ask-vault-pass,-J,--ask-vault-password --check,-C --diff,-D \
        --list-hosts --one-line,-o --flush-cache --force-handlers --list-tags --list-tasks --step --syntax-check --list --graph --export --toml --yaml,-y --vars \
        --force --full --purge --clean --accept-host-key --track-subs --verify-commit --only-changed --show-input --json,-j --metadata-dump --list_files,-F --no-fail-on-errors --disabled",
    values: "--args,-a --background,-B --become-method --become-user --become-password-file,--become-pass-file --connection,-c --connection-password-file,--conn-pass-file --extra-vars,-e --forks,-f \
        --inventory,-i,--inventory-file --limit,-l --module-name,-m --module-path,-M --playbook-dir --poll,-P --private-key,--key-file --scp-extra-args --sftp-extra-args --ssh-common-args \
        --ssh-extra-args --task-timeout --timeout,-T --tree,-t --user,-u --vault-id --vault-password-file,--vault-pass-file --tags --skip-tags --start-at-task --host --output \
        --url,-U --directory,-d --checkout --sleep,-s --encrypt-vault-id --new-vault-id --new-vault-password-file --name,-n --stdin-name --type --config --format --snippet --entry-point --roles-path",
};

const COMMON: Program = Program {
    facts: &[("inventory", Infra::SERVER), ("limit", Infra::CONTEXT)],
    variables: &[("ANSIBLE_INVENTORY", Infra::SERVER)],
    dry: &["check"],
    programs: &[
        "become-password-file",
        "connection-password-file",
        "module-path",
        "scp-extra-args",
        "sftp-extra-args",
        "ssh-common-args",
        "ssh-extra-args",
        "vault-id",
        "vault-password-file",
        "new-vault-password-file",
    ],
    settings: &["ansible_"],
    harmless: &[
        "ANSIBLE_FORCE_COLOR",
        "ANSIBLE_INVENTORY",
        "ANSIBLE_NOCOLOR",
        "ANSIBLE_STDOUT_CALLBACK",
    ],
    table: Table { options: OPTIONS, spelling: Spelling::Abbreviated, ..table::PLAIN },
    ..PLAIN
};

/// A program without commands: its name counts as the only one.
const fn one(start: &'static str, commands: &'static str) -> Table {
    Table { start, commands: Commands(commands), ..COMMON.table }
}

pub(super) const ANSIBLE: Program = Program {
    table: one("ansible", "ansible\texec\n"),
    turns: &[("ansible", "list-hosts", "local")],
    refine: looks,
    ..COMMON
};

/// The effect of a module that only looks, if its arguments are no template.
fn looks(line: &Line<'_>) -> Option<&'static str> {
    const LOOK: &[&[u8]] = &[
        b"debug",
        b"gather_facts",
        b"getent",
        b"package_facts",
        b"ping",
        b"service_facts",
        b"setup",
        b"stat",
    ];
    let module = line.value("module-name")?;
    let module = module.strip_prefix(b"ansible.builtin.").unwrap_or(module);
    let plain = line.value("args").is_none_or(|args| !args.contains(&b'{'));
    (LOOK.contains(&module) && plain).then_some("read")
}

pub(super) const PLAYBOOK: Program = Program {
    table: Table {
        of: &[("ansible-playbook", Options { switches: "", values: "--tags,-t" })],
        ..one("ansible-playbook", "ansible-playbook\texec\n")
    },
    turns: &[
        ("ansible-playbook", "list-hosts", "local"),
        ("ansible-playbook", "list-tags", "local"),
        ("ansible-playbook", "list-tasks", "local"),
        ("ansible-playbook", "syntax-check", "local"),
    ],
    ..COMMON
};

pub(super) const INVENTORY: Program = Program {
    table: one("ansible-inventory", "ansible-inventory\tread\n"),
    turns: &[
        ("ansible-inventory", "ask-vault-pass", "secret"),
        ("ansible-inventory", "vault-id", "secret"),
        ("ansible-inventory", "vault-password-file", "secret"),
    ],
    ..COMMON
};

pub(super) const CONSOLE: Program =
    Program { table: one("ansible-console", "ansible-console\texec\n"), ..COMMON };

pub(super) const PULL: Program = Program {
    table: Table {
        of: &[("ansible-pull", Options { switches: "", values: "--tags,-t" })],
        ..one("ansible-pull", "ansible-pull\texec\n")
    },
    ..COMMON
};

pub(super) const DOC: Program = Program {
    table: Table {
        of: &[(
            "ansible-doc",
            Options { switches: "--list,-l", values: "--type,-t --snippet,-s --entry-point,-e" },
        )],
        ..one("ansible-doc", "ansible-doc\tlocal\n")
    },
    ..COMMON
};

pub(super) const CONFIG: Program = Program {
    table: Table {
        commands: Commands("dump\tlocal\ninit\tlocal\nlist\tlocal\nvalidate\tlocal\nview\tlocal\n"),
        of: &[
            ("dump", Options { switches: "", values: "--config,-c --format,-f --type,-t" }),
            ("list", Options { switches: "", values: "--config,-c --format,-f --type,-t" }),
        ],
        ..COMMON.table
    },
    ..COMMON
};

pub(super) const VAULT: Program = Program {
    table: Table {
        commands: Commands(
            "create\tconfig\ndecrypt\tsecret\nedit\tsecret\nencrypt\tconfig\nencrypt_string\tlocal\nrekey\tconfig\nview\tsecret\n",
        ),
        of: &[("encrypt_string", Options { switches: "--prompt,-p", values: "" })],
        ..COMMON.table
    },
    ..COMMON
};
