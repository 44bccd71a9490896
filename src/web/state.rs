//! What every handler may use, built once by `server`.

use std::sync::Arc;

use super::{
    assets::Assets, cookies::Cookies, exclusive::Exclusive, host::ExpectedHost, identity_headers::IdentityHeaders,
    request_metrics::RequestMetrics, statistics::StatisticsCache,
};
use crate::{
    accounts::{AccountId, Accounts, LinkToken},
    apps::Apps,
    config::{PublicUrl, Settings},
    core::Core,
    sessions::Sessions,
    tokens::AccessTokens,
};

/// The state that all workers share.
pub struct AppState {
    /// The settings.
    pub settings: Settings,
    /// The origin that browsers see.
    pub public_url: PublicUrl,
    /// The hosts that the server answers for.
    pub(crate) host: ExpectedHost,
    /// How cookies are named and written.
    pub cookies: Cookies,
    /// The static files.
    pub assets: Assets,
    /// The database, the keys, the clock and the activity log.
    pub core: Core,
    /// All sessions.
    pub sessions: Arc<Sessions>,
    /// All accounts.
    pub accounts: Accounts,
    /// The access tokens of programs.
    pub access_tokens: AccessTokens,
    /// What applications are told about people.
    pub(crate) identity_headers: IdentityHeaders,
    /// All applications.
    pub apps: Apps,
    /// The token of the link that creates the first administrator. Good for this process only.
    pub setup_token: LinkToken,
    /// The accounts whose data is being exported.
    pub exports: Exclusive<AccountId>,
    /// The numbers of the admin area's overview.
    pub(crate) statistics: StatisticsCache,
    /// The numbers and durations of requests; `None` without `GATEHOUSE_METRICS_LISTEN`.
    pub(crate) requests: Option<RequestMetrics>,
}
