//! The JSON API, one file for each concern.

mod access_tokens;
mod apps;
mod documentation;
mod endpoints;
mod format;
mod keys;
mod refresh;
mod sign_in;
