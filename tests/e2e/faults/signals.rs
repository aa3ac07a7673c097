//! The supervisor's waits are interrupted; the supervisor is stopped and continued.

use std::process::{Command, Stdio};

use claw_tests::postgres;
use claw_tests::prompt::Prompt;
use claw_tests::scenario::Scenario;

use crate::{callers, levels, listener, psql, tool, verify};

#[test]
fn interrupted_waits_change_no_verdict() {
    const ROUNDS: usize = 25;
    for (level, guard) in levels("judging") {
        let scenario = Scenario::new(format!(
            "{level}: signals for every thread of the supervisor, all the time"
        ));
        let database = postgres::database();
        let port = if level == "proven" { 17851 } else { 17852 };
        let there = listener(port);
        let connect = format!("'{}' tcp 127.0.9.7 {port}", tool("connect_forms").display());
        let mut shell = Prompt::start(&guard, &database.env());
        // A connection that may wait: from then on the supervisor has a handler for SIGURG at `held`.
        assert_eq!(shell.says(&connect).0, "ok");
        assert_eq!(callers(&there), 1);
        let mut prod = Command::new(tool("prod"))
            .arg(shell.supervisor().as_raw_nonzero().to_string())
            .stdin(Stdio::piped())
            .spawn()
            .expect("it is compiled");
        for round in 0..ROUNDS {
            let (said, status) = shell.says(&psql("SELECT 7"));
            assert_eq!((said.as_str(), status), ("7", 0), "round {round}");
            let (said, status) = shell.says(&psql("DROP TABLE users"));
            assert!(
                status != 0 && said.contains("(claw rule sql-no-ddl: "),
                "round {round}: {said}"
            );
            assert_eq!(shell.says(&connect).0, "ok", "round {round}");
            let several = "for i in 1 2 3 4 5 6 7 8; do /bin/true & done; wait";
            assert_eq!(shell.says(several).1, 0, "round {round}");
        }
        scenario.then("each call is answered as without them");
        assert!(prod.try_wait().expect("it is ours").is_none(), "the signals were sent to the end");
        drop(prod.stdin.take());
        assert!(prod.wait().expect("it is ours").success());
        assert!(database.has_users());
        assert_eq!(callers(&there), ROUNDS);
        let _ = shell.close();
        scenario.then("each has one record");
        let records = guard.records();
        let count = |verdict: &str, word: &str| {
            let matching = records.iter().filter(|record| record.verdict() == verdict);
            matching.filter(|record| record.mentions(word)).count()
        };
        assert_eq!(count("deny", "DROP TABLE"), ROUNDS);
        assert_eq!(count("allow", "/bin/true"), 8 * ROUNDS);
        let to = format!("127.0.9.7:{port}");
        assert_eq!(records.iter().filter(|record| record.to() == to).count(), ROUNDS + 1);
        assert!(records.iter().all(|record| record.kind() != "killed"), "{records:#?}");
        verify(&guard);
    }
}
