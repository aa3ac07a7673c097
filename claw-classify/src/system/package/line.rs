//! The facts of a package manager's command line.
//!
//! Input: the call and the manager. Output: one action. If an option is not known, the packages,
//! programs and registries are opaque.

use std::collections::BTreeSet;

use claw_policy::{Action, Set};

use super::manager::{Manager, Operands, Reach, Role, Style};
use super::spec::{self, Spec};
use super::{DOMAIN, Package};
use crate::call::{Call, excerpt, text};
use crate::grammar::subcommands::{said, variables};
use crate::grammar::table::{Line, covers};

/// What a call of `manager` does.
pub(super) fn action(call: &Call<'_>, manager: &'static Manager) -> Action {
    let said = said(call.argv);
    match Line::read(call.argv, &manager.table) {
        Ok(line) => Reading { call, manager, line }.action(Action::new(&DOMAIN, said)),
        Err(reason) => Action::opaque(&DOMAIN, said, reason),
    }
}

/// A command line, and the table it is read by.
struct Reading<'a> {
    call: &'a Call<'a>,
    manager: &'static Manager,
    line: Line<'a>,
}

impl Reading<'_> {
    fn action(mut self, mut action: Action) -> Action {
        let Self { call, manager, .. } = self;
        self.turn();
        if !self.line.command.is_empty() {
            action.set(Package::COMMAND, self.line.command.as_str());
        }
        // Such a mark after a name removes the package (apt-get(8)).
        let takes_away = self.line.command == "install" && manager.style == Style::Apt && {
            self.line.operands.iter().any(|word| word.ends_with(b"-"))
        };
        let effect = if takes_away { "remove" } else { self.line.effect };
        action.set(Package::EFFECT, effect);
        action.set(Package::OPTIONS, self.line.names());
        action.set(Package::SETTINGS, variables(call, manager.settings, manager.harmless));
        let mut found = Found::default();
        self.look_at_options(&mut found);
        self.look_at_operands(&mut found);
        action.set(Package::REGISTRIES, found.registries.into_iter().collect::<Set>());
        if found.dry_run {
            action.set(Package::DRY_RUN, true);
        }
        if matches!(effect, "fetch" | "install" | "remove" | "publish" | "read" | "run") {
            if matches!(effect, "install" | "fetch") && found.sources.is_empty() {
                let own = manager.reach != Reach::Machine;
                found.sources.insert(if own { "project" } else { "registry" });
            }
            action.set(Package::PACKAGES, found.packages.into_iter().collect::<Set>());
            action.set(Package::SOURCES, found.sources.into_iter().collect::<Set>());
        }
        if matches!(effect, "build" | "fetch" | "install" | "publish" | "remove" | "run") {
            let quiet = manager.quiet.iter().any(|of| covers(of, &self.line.command));
            action.set(Package::SCRIPTS, !quiet && (!found.unscripted || effect == "run"));
        }
        if matches!(effect, "install" | "remove") {
            match found.global.map_or_else(|| self.reach(), Ok) {
                Ok(global) => action.set(Package::GLOBAL, global),
                Err(reason) => action.set_opaque(Package::GLOBAL, reason),
            }
        }
        action.set(Package::RUNS, found.runs.into_iter().collect::<Set>());
        if let Some(word) = self.line.unknown.as_ref().filter(|_| effect != "local") {
            let reason = format!("the option `{word}` is not known, and may take the next word");
            for fact in [Package::PACKAGES, Package::SOURCES, Package::REGISTRIES, Package::RUNS] {
                action.set_opaque(fact, &*reason);
            }
            for fact in [Package::SCRIPTS, Package::GLOBAL, Package::DRY_RUN] {
                action.set_opaque(fact, &*reason);
            }
        }
        action
    }

    /// Changes the effect as the options say.
    fn turn(&mut self) {
        let line = &mut self.line;
        let turned = self.manager.turns.iter().find(|(of, option, effect)| {
            let milder = matches!(*effect, "local" | "read");
            *of == line.command && line.has(option) && (line.unknown.is_none() || !milder)
        });
        if let Some((.., effect)) = turned.filter(|_| line.effect != "local" || !line.has("help")) {
            line.effect = effect;
        }
        // Without a script such a command lists the scripts there are.
        if self.line.effect == "run"
            && self.line.operands.is_empty()
            && self.operands() == Operands::Script
        {
            self.line.effect = "local";
        }
    }

    fn look_at_options(&self, found: &mut Found) {
        let manager = self.manager;
        for (name, value) in &self.line.given {
            let value = text(value.unwrap_or_default());
            match manager.role(name) {
                Some(Role::Registry) => found.registries.extend(spec::registries(&value)),
                Some(Role::Package | Role::From) => {
                    found.package(&spec::read(manager.style, &value));
                }
                Some(Role::Path) => found.at(&value, "path"),
                Some(Role::Git) => found.at(&value, "git"),
                Some(Role::Url) => found.at(&value, "url"),
                Some(Role::List) => _ = found.sources.insert("list"),
                Some(Role::Program) => _ = found.runs.insert(excerpt(&value)),
                Some(Role::Global) => found.global = Some(self.line.has(name)),
                Some(Role::Where) => found.global = Some(value == "global"),
                Some(Role::Local) => found.global = Some(false),
                Some(Role::Unscripted) => found.unscripted = self.line.has(name),
                Some(Role::DryRun) => found.dry_run = self.line.has(name),
                None => {}
            }
        }
        for name in manager.registries {
            if let Some(value) = self.call.var(name).filter(|value| !value.is_empty()) {
                found.registries.extend(spec::registries(&text(value)));
            }
        }
    }

    fn look_at_operands(&self, found: &mut Found) {
        let manager = self.manager;
        let words = || self.line.operands.iter().map(|word| text(word));
        match self.operands() {
            Operands::Packages => words().for_each(|word| {
                let word = word.trim_end_matches('-');
                found.package(&spec::read(manager.style, word));
            }),
            Operands::First => {
                words().take(1).for_each(|word| found.package(&spec::read(manager.style, &word)));
            }
            Operands::Script | Operands::Program => {
                found.runs.extend(words().take(1).map(|word| excerpt(&word)));
            }
            Operands::PackageProgram => {
                let from = |role| role == Some(Role::From);
                let from = self.line.given.iter().any(|(name, _)| from(manager.role(name)));
                for word in words().take(1) {
                    let spec = spec::read(manager.style, &word);
                    found.runs.insert(spec.name.clone());
                    if !from {
                        found.package(&spec);
                    }
                }
            }
            Operands::Lists => {
                if !self.line.operands.is_empty() {
                    found.sources.insert("list");
                }
            }
            Operands::Own => {
                let own = self.line.command.rsplit(' ').next().unwrap_or_default();
                found.runs.insert(own.to_owned());
            }
            Operands::Other => {}
        }
    }

    /// What the operands are.
    fn operands(&self) -> Operands {
        let Line { command, effect, .. } = &self.line;
        match self.manager.table.commands.row(command) {
            _ if *effect == "local" => Operands::Other,
            Some(_) => self.manager.operands(command, effect),
            None => Operands::Program,
        }
    }

    /// Whether the command installs outside of the project.
    fn reach(&self) -> Result<bool, String> {
        if self.manager.global.iter().any(|of| covers(of, &self.line.command)) {
            return Ok(true);
        }
        match self.manager.reach {
            Reach::Project => Ok(false),
            Reach::Machine => Ok(true),
            // A program in a folder of its own belongs to the environment there.
            Reach::Environment => match self.call.path {
                path if path.starts_with(b"/usr/") || path.starts_with(b"/bin/") => Ok(true),
                path if path.windows(5).any(|part| part == b"/bin/") => Ok(false),
                _ => Err("the call does not say which environment is meant".to_owned()),
            },
        }
    }
}

/// What options and operands say.
#[derive(Debug, Default)]
struct Found {
    packages: BTreeSet<String>,
    sources: BTreeSet<&'static str>,
    registries: BTreeSet<String>,
    runs: BTreeSet<String>,
    global: Option<bool>,
    placed: bool,
    unscripted: bool,
    dry_run: bool,
}

impl Found {
    fn package(&mut self, spec: &Spec) {
        self.packages.insert(excerpt(&spec.name));
        // Next to an address, a name says which package at that address is meant.
        if !self.placed || spec.source != "registry" {
            self.sources.insert(spec.source);
        }
    }

    /// A package at an address or a path.
    fn at(&mut self, place: &str, source: &'static str) {
        self.packages.insert(excerpt(&spec::address(place)));
        self.sources.insert(source);
        self.placed = true;
    }
}
