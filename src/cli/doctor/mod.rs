//! `gatehouse doctor`

mod app;
mod checks;
mod public_url;
mod request;

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::Failure;
use crate::{
    apps::{AppId, Apps, Rejection},
    clock::Clock,
    config::{ConfigError, Settings},
    core::Core,
    keys::Keys,
    telemetry,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatehouse doctor\n  gatehouse doctor --app wiki\n  \
                        gatehouse doctor --json | jq 'select(.ok | not)'\n\n\
                        Run it on the machine of the server, with its settings, while it runs.")]
pub(super) struct Doctor {
    /// One JSON object per line, with the keys check, ok, message and fix
    #[arg(long)]
    json: bool,
    /// Check the reverse proxy in front of this application as well
    #[arg(long, value_name = "APP")]
    app: Option<AppId>,
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
pub(super) async fn run(doctor: &Doctor) -> Result<(), Failure> {
    let settings = &doctor.settings;
    telemetry::init(settings.log.clone());
    let clock = Clock::system();
    let keys = Keys::load_existing(settings, clock.now());
    let mut report = Report { stdout: io::stdout(), json: doctor.json, failed: 0 };
    report.add(checks::settings(settings))?;
    report.add([checks::secret(settings, keys.as_ref().err())])?;
    let database = checks::database(settings, &clock);
    let is_migrated = database.iter().any(|finding| finding.check == "migrations" && finding.ok);
    report.add(database)?;
    report.add([checks::disk(settings)])?;
    report.add(public_url::check(settings, keys.as_ref().ok(), &clock))?;
    // Opening the database would run its migrations.
    if let (Some(id), Ok(keys), true) = (&doctor.app, &keys, is_migrated) {
        let apps = Apps::new(settings, Core::open(settings, clock.clone())?);
        let app = apps.find(id.clone()).await?.ok_or(Rejection::NoSuchApp)?;
        report.add(app::check(&app, keys, &clock))?;
    }
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
