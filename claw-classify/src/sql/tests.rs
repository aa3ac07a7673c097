//! Texts and their facts.
