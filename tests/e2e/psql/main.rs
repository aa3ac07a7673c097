//! Compares claw's reading of psql with the real psql: `claw check` judges what the real one sends to a
//! recording server, calls that change rows do not run, and rows are limited as the server limits them.

mod command_line;
mod effects;
mod generated;
mod judged;
mod limits;
mod scripts;
mod second_lock;
