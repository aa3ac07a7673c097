//! psql as it is read, beside psql as it is: what the real one sends to a server that records is what `claw check`
//! judges, what changes rows does not run, and rows are limited as the server limits them.

mod command_line;
mod effects;
mod generated;
mod judged;
mod limits;
mod scripts;
mod second_lock;
