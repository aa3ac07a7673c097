//! What there is to say about a package manager so that its command lines can be read.

use crate::grammar::table::{self, Table, covers};

/// A package manager: how its command lines are read, and what they mean.
#[derive(Debug)]
pub(super) struct Manager {
    /// Its commands and options.
    pub(super) table: Table,
    /// What options say of the facts, by their first name.
    pub(super) roles: &'static [(&'static str, Role)],
    /// Options of commands that make something else of them; the first that is given counts.
    pub(super) turns: &'static [(&'static str, &'static str, &'static str)],
    /// What the operands of a command are, where it is not what its effect says; a name that ends in a blank
    /// is the beginning of many.
    pub(super) operands: &'static [(&'static str, Operands)],
    /// How packages are written.
    pub(super) style: Style,
    /// Commands that run no code of packages or of the project.
    pub(super) quiet: &'static [&'static str],
    /// Where packages are installed, and the commands that install elsewhere.
    pub(super) reach: Reach,
    /// Commands that install for the user or the machine; a name that ends in a blank is the beginning of
    /// many.
    pub(super) global: &'static [&'static str],
    /// Variables that name a registry.
    pub(super) registries: &'static [&'static str],
    /// The beginnings of variables that stand for settings, in lower case.
    pub(super) settings: &'static [&'static str],
    /// Such variables that change nothing which facts speak of.
    pub(super) harmless: &'static [&'static str],
}

/// What an option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Its value names a registry.
    Registry,
    /// Its value is a package.
    Package,
    /// Its value is a package whose program is run.
    From,
    /// Its value is a path that packages come from.
    Path,
    /// Its value is a repository that packages come from.
    Git,
    /// Its value is an address that packages come from.
    Url,
    /// Its value is a file that lists packages.
    List,
    /// Its value is a program or command that is run.
    Program,
    /// For the user or the machine.
    Global,
    /// For the project or a folder.
    Local,
    /// Its value is `global`, or something else.
    Where,
    /// No code of packages runs.
    Unscripted,
    /// Nothing is changed.
    DryRun,
}

/// What operands are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operands {
    /// Packages, all of them.
    Packages,
    /// The first is a package.
    First,
    /// Files that list packages.
    Lists,
    /// The first is a script; options go on behind it.
    Script,
    /// The first is a program, and all behind it are its own words.
    Program,
    /// As `Program`, and it comes from a package of its name.
    PackageProgram,
    /// The command's own name is the script.
    Own,
    /// Something else.
    Other,
}

/// Where packages are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// In the project.
    Project,
    /// For the user or the machine.
    Machine,
    /// In the environment that the program itself belongs to.
    Environment,
}

/// How packages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `name=version`, `name/release`, `name:arch`.
    Apt,
    /// `name@version`.
    At,
    /// `vendor/name:version`.
    Composer,
    /// `name:version`.
    Colon,
    /// `name@version`, `name@address`, `owner/repository`.
    Npm,
    /// `name==version`, `name[extra]`, `name @ address`.
    Python,
}

/// A manager about which there is nothing special.
pub(super) const PLAIN: Manager = Manager {
    table: table::PLAIN,
    roles: &[],
    turns: &[],
    operands: &[],
    style: Style::At,
    quiet: &[],
    reach: Reach::Project,
    global: &[],
    registries: &[],
    settings: &[],
    harmless: &[],
};

impl Manager {
    /// What the option of this first name says.
    pub(super) fn role(&self, first: &str) -> Option<Role> {
        let name = first.trim_start_matches('-');
        self.roles.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }

    /// What the operands of a command are.
    pub(super) fn operands(&self, path: &str, effect: &str) -> Operands {
        let known = self.operands.iter().find(|(of, _)| covers(of, path));
        known.map_or_else(
            || match effect {
                "fetch" | "install" | "publish" | "read" | "remove" => Operands::Packages,
                "run" => Operands::Program,
                _ => Operands::Other,
            },
            |(_, operands)| *operands,
        )
    }
}
