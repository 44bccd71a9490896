//! Reads the command line and runs one command.

use std::process::ExitCode;

#[actix_web::main]
async fn main() -> ExitCode {
    gatehouse::cli::run().await
}
