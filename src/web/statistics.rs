//! The numbers of the admin area's overview.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::{
    accounts::Accounts,
    clock::Timestamp,
    core::Core,
    db,
    events::{DayCount, EventKind},
    sessions::Sessions,
};

/// Days in the charts, with today.
const DAYS: u16 = 30;
/// How long the numbers are shown before they are read again, in milliseconds. Reading them takes time in proportion to
/// the accounts, the sessions and the events of these days.
const MAX_AGE_MILLIS: i64 = 60_000;

/// Wrong passwords.
const FAILURES: [EventKind; 2] = [EventKind::SignInFailed, EventKind::ReauthenticationFailed];
/// Requests that were not served, and passwords that were not verified.
const REFUSALS: [EventKind; 8] = [
    EventKind::SignInThrottled,
    EventKind::PasswordUseThrottled,
    EventKind::ReauthenticationThrottled,
    EventKind::RegistrationThrottled,
    EventKind::TokenRefused,
    EventKind::CrossOriginRefused,
    EventKind::FormRefused,
    EventKind::RequestRefused,
];

/// Numbers at one moment.
#[derive(Debug)]
pub(crate) struct Statistics {
    read_at: Timestamp,
    /// All accounts.
    pub(crate) accounts: i64,
    /// Active sessions.
    pub(crate) sessions: i64,
    /// Sign-ins of each day.
    pub(crate) sign_ins: Vec<DayCount>,
    /// Wrong passwords of each day.
    pub(crate) failures: Vec<DayCount>,
    /// Refused requests of each day.
    pub(crate) refusals: Vec<DayCount>,
}

/// The last statistics that were read.
#[derive(Default)]
pub(crate) struct StatisticsCache(Mutex<Option<Arc<Statistics>>>);

impl StatisticsCache {
    /// Returns statistics that are at most a minute old. Requests at the same time read them once.
    pub(crate) async fn get(
        &self,
        core: &Core,
        accounts: &Accounts,
        sessions: &Sessions,
    ) -> Result<Arc<Statistics>, db::Error> {
        let now = core.clock.now();
        let mut last = self.0.lock().await;
        if let Some(statistics) = &*last
            && now.as_millis().abs_diff(statistics.read_at.as_millis()) < MAX_AGE_MILLIS.unsigned_abs()
        {
            return Ok(Arc::clone(statistics));
        }
        sessions.count_active().await?;
        let events = &core.events;
        let statistics = Arc::new(Statistics {
            read_at: now,
            accounts: accounts.count().await?,
            sessions: sessions.active().get(),
            sign_ins: events.count_by_day(&[EventKind::SignedIn], now, DAYS).await?,
            failures: events.count_by_day(&FAILURES, now, DAYS).await?,
            refusals: events.count_by_day(&REFUSALS, now, DAYS).await?,
        });
        *last = Some(Arc::clone(&statistics));
        Ok(statistics)
    }
}
