//! `gatehouse doctor`

mod checks;
mod public_url;

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::Failure;
use crate::{
    clock::Clock,
    config::{ConfigError, Settings},
    keys::Keys,
    telemetry,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatehouse doctor\n  gatehouse doctor --json | jq 'select(.ok | not)'\n\n\
                        Run it on the machine of the server, with its settings, while it runs.")]
pub(super) struct Doctor {
    /// One JSON object per line, with the keys check, ok, message and fix
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    /// What was found and, if it is wrong, why that matters.
    message: String,
    /// What to do.
    fix: Option<String>,
}

impl Finding {
    fn passed(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, ok: true, message: message.into(), fix: None }
    }

    fn failed(check: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, ok: false, message: message.into(), fix: Some(fix.into()) }
    }

    /// Returns the finding of a setting that cannot be used. Its message names the setting, and often what to do.
    fn setting(check: &'static str, error: &ConfigError, why: &str, fix: &str) -> Self {
        let message = error.to_string();
        let (what, fix) = message.split_once("; ").unwrap_or((&message, fix));
        Self::failed(check, format!("{what}. {why}"), fix)
    }
}

/// Runs all checks. Creates neither a database nor a secret.
pub(super) fn run(doctor: &Doctor) -> Result<(), Failure> {
    let settings = &doctor.settings;
    telemetry::init(settings.log.clone());
    let clock = Clock::system();
    let keys = Keys::load_existing(settings, clock.now());
    let mut report = Report { stdout: io::stdout(), json: doctor.json, failed: 0 };
    report.add(checks::settings(settings))?;
    report.add([checks::secret(settings, keys.as_ref().err())])?;
    report.add(checks::database(settings, &clock))?;
    report.add([checks::disk(settings)])?;
    report.add(public_url::check(settings, keys.as_ref().ok(), &clock))?;
    match report.failed {
        0 => Ok(()),
        1 => Err("1 check failed".into()),
        count => Err(format!("{count} checks failed").into()),
    }
}

/// Prints findings as they come: some checks wait for a server that does not answer.
struct Report {
    stdout: io::Stdout,
    json: bool,
    failed: usize,
}

impl Report {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) -> io::Result<()> {
        for finding in findings {
            self.failed += usize::from(!finding.ok);
            if self.json {
                let line = serde_json::to_string(&finding)?;
                writeln!(self.stdout, "{line}")?;
                continue;
            }
            let verdict = if finding.ok { "ok" } else { "FAILED" };
            writeln!(self.stdout, "{verdict:<8}{:<17}{}", finding.check, finding.message)?;
            if let Some(fix) = &finding.fix {
                writeln!(self.stdout, "{:<8}{:<17}{fix}", "", "To mend it:")?;
            }
        }
        Ok(())
    }
}
