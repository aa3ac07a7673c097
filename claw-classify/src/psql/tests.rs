//! Command lines and their actions.
