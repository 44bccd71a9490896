//! The commands, one file each, run as an operator runs them.

mod account;
