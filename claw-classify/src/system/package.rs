//! Package managers: which packages a call installs, removes, runs or publishes, and where they
//! come from.
//!
//! One file for each program. All of them give actions of the domain `package`, by the one reader
//! in `line`.
//!
//! Known gaps: settings files (`.npmrc`, `pip.conf`, `.cargo/config.toml`, ...) and the project's
//! own files are not read. A registry, a script or an alias that those name is not in the facts.
//! The effect `run` says that something named elsewhere is run, and what that starts is judged when
//! it starts.

mod apt;
mod bundle;
mod cargo;
mod composer;
mod dpkg;
mod galaxy;
mod gem;
mod go;
mod krew;
mod line;
mod manager;
mod npm;
mod pip;
mod pipx;
mod pnpm;
mod poetry;
mod spec;
mod uv;
mod yarn;

use claw_policy::{Domain, Set, domain};

use crate::loaders::{Loads, Runtime};
use crate::secret::marks::{Marks, Operand, marks, secret};
use crate::tool::{Classifier, Family, Tool};

domain! {
    /// What one call of a package manager does.
    pub(crate) static DOMAIN: Package = "package", governed: false, sealed: false;

    /// The command with its sub-commands, aliases and abbreviations resolved: `install`, `cache clean`. A script or
    /// plugin that is called like a command has its own name here.
    COMMAND: String = "command";
    /// `local` shows or arranges what is here, `read` asks a registry, `fetch` gets packages without installing
    /// them, `install` installs or updates packages, `remove` removes them, `build` compiles or tests the project,
    /// `run` runs a script, a plugin or a package's program, `publish` changes what a registry holds, `config`
    /// changes settings or credentials here, `secret` shows or makes credentials.
    EFFECT: String = "effect" of &[
        "build", "config", "fetch", "install", "local", "publish", "read", "remove", "run",
        "secret",
    ];
    /// The options given, without dashes, under their first name.
    OPTIONS: Set = "options";
    /// The packages named, without versions; the address or path of one that has no name.
    PACKAGES: Set = "packages";
    /// Where the packages come from: a registry, an address, a repository, a path, a file that lists them, or what
    /// the project's own files say.
    SOURCES: Set = "sources" of &["git", "list", "path", "project", "registry", "url"];
    /// The host of every registry or index that the call or a variable names, or the name it is called by.
    REGISTRIES: Set = "registries";
    /// The scripts, programs or plugins that are run, as they are named.
    RUNS: Set = "runs";
    /// Whether code of the packages or the project may run while it is done: install scripts, build scripts, tests.
    SCRIPTS: bool = "scripts";
    /// Whether a command that installs or removes does so outside of the project, for the user or the machine.
    GLOBAL: bool = "global";
    /// Whether the call is told to change nothing.
    DRY_RUN: bool = "dry_run";
    /// The variables that stand for settings of the program, or for options, except those that change none of these
    /// facts.
    SETTINGS: Set = "settings";
}

static DOMAINS: &[&Domain] = &[&DOMAIN];

const PYTHON: Loads = Loads::PYTHON;
const NODE: Loads = Loads::of(&[Runtime::Node]);
const RUBY: Loads = Loads::of(&[Runtime::Ruby]);
const PHP: Loads = Loads::of(&[Runtime::Php]);
const NATIVE: Loads = Loads::NOTHING;

const fn row(
    names: &'static [&'static str],
    prefix: &'static str,
    loads: Loads,
    doc: &'static str,
    classify: Classifier,
) -> Tool {
    Tool { loads, ..Tool::judged(Family::Packages, names, prefix, doc, DOMAINS, classify) }
}

macro_rules! rows {
    ($($id:ident $names:expr, $prefix:literal, $loads:expr, $manager:expr, $doc:literal;)*) => {
        $(
            /// The program's row in the registry.
            pub(crate) static $id: Tool =
                row(&$names, $prefix, $loads, $doc, |context| vec![line::action(context.call, &$manager)]);
        )*
        #[cfg(test)]
        static MANAGERS: &[(&str, &manager::Manager)] = &[$(($names[0], &$manager)),*];
    };
}

rows! {
    NPM ["npm"], "npm error ", NODE, npm::NPM,
        "The command with its abbreviations, the options and the packages are read; `.npmrc` and `package.json` are not. An option that npm does not document counts as a switch, as in npm.";
    NPX ["npx"], "npm error ", NODE, npm::NPX,
        "The package and the program that is run are read; what it does is judged when it starts.";
    YARN ["yarn", "yarnpkg"], "error ", NODE, yarn::YARN,
        "The commands of Yarn 1 and of Yarn 4, their options and packages are read; any other word is a script of the project.";
    PNPM ["pnpm"], "ERR_PNPM ", NODE, pnpm::PNPM,
        "The command, the options and the packages are read; any other word is a script of the project.";
    PNPX ["pnpx"], "ERR_PNPM ", NODE, pnpm::PNPX, "As `pnpm dlx`.";
    PIP ["pip", "pip2", "pip3", "pip3.9", "pip3.10", "pip3.11", "pip3.12", "pip3.13", "pip3.14"],
        "ERROR: ", PYTHON, pip::PIP,
        "The command, the options and the requirements are read, also of `python -m pip`; files of requirements and `pip.conf` are not. Whether the environment is the project's is known where the call or the program's own path says it, and opaque otherwise.";
    UV ["uv"], "error: ", NATIVE, uv::UV, "The command, the options and the requirements are read; `uv.toml` and `pyproject.toml` are not.";
    UVX ["uvx"], "error: ", NATIVE, uv::UVX, "As `uv tool run`.";
    PIPX ["pipx"], "pipx: error: ", PYTHON, pipx::PIPX, "The command, the options and the packages are read.";
    POETRY ["poetry"], "", PYTHON, poetry::POETRY,
        "The command, the options and the packages are read; a command that a plug-in adds is opaque.";
    CARGO ["cargo"], "error: ", NATIVE, cargo::CARGO,
        "Cargo's own commands, their options and packages are read. Any other word is effect `run`: a plugin, or an alias of `.cargo/config.toml`, which is not read.";
    GEM ["gem"], "ERROR:  ", RUBY, gem::GEM, "The command with its abbreviations, the options and the packages are read.";
    BUNDLE ["bundle", "bundler"], "", RUBY, bundle::BUNDLE, "The command, the options and what `exec` runs are read; the Gemfile is not.";
    APT ["apt", "apt-get", "apt-cache", "apt-mark"], "E: ", NATIVE, apt::APT,
        "The command, the options and the packages are read. Settings by `-o` and `-c` are options; what they change is not read.";
    GO ["go"], "go: ", NATIVE, go::GO, "The command, its flags and the packages are read; `go.mod` and the variables of `go env` are not.";
    COMPOSER ["composer", "composer.phar"], "", PHP, composer::COMPOSER,
        "The command with its abbreviations, the options and the packages are read; any other word is a script of `composer.json`.";
    GALAXY ["ansible-galaxy"], "ERROR! ", PYTHON, galaxy::GALAXY,
        "The command, the options, the roles and the collections are read; files of requirements are not.";
    KREW ["kubectl-krew"], "error: ", NATIVE, krew::KREW, "The command and the plugins of kubectl that it names.";
}

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(&[NPM.names, PNPM.names, YARN.names], &[secret("--otp")]),
    marks(&[POETRY.names], &[secret("-p --password")])
        .operands(&[Operand::Behind { words: &["config", "http-basic"], skip: 1 }]),
    marks(&[CARGO.names], &[]).operands(&[Operand::Behind { words: &["login"], skip: 0 }]),
];

/// dpkg's row in the registry.
pub(crate) static DPKG: Tool = row(
    &["dpkg", "dpkg-deb", "dpkg-query"],
    "dpkg: error: ",
    NATIVE,
    "The action, the options and the packages or files are read.",
    |context| vec![dpkg::classify(context.call)],
);

#[cfg(test)]
mod tests;
