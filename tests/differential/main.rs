//! What claw says of a command line, held against what the real tool does with it.
//!
//! Each line is judged by `claw check` and then run by the real tool in a place of its own: against a server on
//! loopback that records what it is asked, or on a throwaway repository. What happened is looked at there and never
//! in what the tool prints. A line that claw calls milder than what happened fails the suite, and so does one that it
//! calls something else; what claw does not read is opaque and counted.
//!
//! Lines are written by hand (`lines/*.txt`) or made from the tool's own list of options, which tells whether an
//! option takes the next word. Made lines come from a fixed seed; `CLAW_DIFFERENTIAL=full` runs many more of them.

mod account;
mod aws;
mod claw;
mod curl;
mod gh;
mod git;
mod graphql;
mod kubectl;
mod line;
mod mariadb;
mod place;
mod psql;
mod recorder;
mod redis;
mod sqlite3;
mod startup;
mod transfer;
mod wget;
