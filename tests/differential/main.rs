//! Compares what claw says of a command line with what the real tool does.
//!
//! Each line is judged by `claw check` and then run by the real tool in a place of its own: against a server
//! on loopback that records what it is asked, or on a throwaway repository. The suite looks at what happened
//! there, never at what the tool prints. A line fails the suite if claw's facts are milder than what
//! happened, or differ from it. Lines that claw does not read are opaque, and counted.
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
