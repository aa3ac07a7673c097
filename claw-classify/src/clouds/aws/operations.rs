//! What is published about the operations of the services.
//!
//! Input: `aws/operations.tsv`, which `xtask/src/tables/aws.py` makes from awscli's command tables, botocore's
//! service models and IAM's reference. Output: what one command is, does, returns and is about.
//!
//! Known gaps: an operation that IAM's reference does not have under its own name, and for which the script
//! knows no other, has no access level. It does not count as a read.

use crate::grammar::subcommands::Commands;

/// Every command of the program.
const OPERATIONS: Commands = Commands(include_str!("operations.tsv"));

/// Commands of version 2 that version 1 does not have.
const NEWER: &[&str] = &[
    "configure export-credentials",
    "configure import",
    "configure list-profiles",
    "configure sso",
    "configure sso-session",
    "ddb put",
    "ddb select",
    "ec2-instance-connect open-tunnel",
    "ec2-instance-connect ssh",
    "login",
    "logout",
    "logs tail",
    "sso login",
    "sso logout",
];

/// What the table says of one command.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Operation {
    facts: &'static str,
    operands: &'static str,
}

/// Whether there are commands below `service`.
pub(super) fn is_service(service: &str) -> bool {
    OPERATIONS.look_up(service).is_group
}

/// The command of this path, if it is known.
pub(super) fn find(path: &str) -> Option<Operation> {
    if let Some(fields) = OPERATIONS.fields(path) {
        let (facts, operands) = fields.split_once('\t').unwrap_or((fields, ""));
        return Some(Operation { facts, operands });
    }
    NEWER.contains(&path).then(Operation::default)
}

impl Operation {
    fn says(self, fact: &str) -> bool {
        self.facts.split(' ').any(|own| own == fact)
    }

    /// Whether IAM's access level for it is List or Read.
    pub(super) fn reads(self) -> bool {
        self.says("list") || self.says("read")
    }

    /// Whether its service model says that the output holds a secret.
    pub(super) fn returns_secret(self) -> bool {
        self.says("secret")
    }

    /// Whether it takes a query in a language that can also write.
    pub(super) fn takes_query(self) -> bool {
        self.says("text")
    }

    /// Whether the program writes what it returns to a file that is named as an operand.
    pub(super) fn writes_file(self) -> bool {
        self.says("out")
    }

    /// The options that name what it is about, without dashes.
    pub(super) fn operands(self) -> impl Iterator<Item = &'static str> {
        self.operands.split(' ').filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> impl Iterator<Item = (&'static str, Operation)> {
        let lines = OPERATIONS.0.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| {
            let path = line.split('\t').next().unwrap_or(line);
            (path, find(path).unwrap())
        })
    }

    #[test]
    fn the_table_is_sorted_and_says_only_what_is_known() {
        let known =
            ["list", "out", "permissions", "read", "secret", "tagging", "text", "write", ""];
        let levels = ["list", "permissions", "read", "tagging", "write"];
        for (path, operation) in rows() {
            assert!(operation.facts.split(' ').all(|fact| known.contains(&fact)), "{path}");
            assert!(levels.iter().filter(|level| operation.says(level)).count() < 2, "{path}");
        }
        assert!(rows().map(|(path, _)| path).is_sorted());
        assert!(rows().count() > 18_000);
    }

    /// The figures that the table's header gives.
    #[test]
    fn reads_that_return_secrets_are_many() {
        let reads = rows().filter(|(_, operation)| operation.reads());
        let secrets = reads.filter(|(_, operation)| operation.returns_secret());
        assert!(secrets.count() > 500);
    }
}
