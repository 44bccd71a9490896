//! The rows of sessions. Nothing here decides anything.

use std::net::{IpAddr, Ipv4Addr};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, IntoSql, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl,
    dsl::case_when, sql_types::BigInt,
};
use uuid::Uuid;

use super::{Listed, Opened, Owner, Previously, Session, SessionId};
use crate::{
    client::Client,
    clock::Timestamp,
    db::{
        AnyConnection, prepared,
        schema::{accounts, sessions},
    },
    events::{self, Kind},
    request_id::RequestId,
};

pub(super) fn insert(
    conn: &mut AnyConnection,
    opened: &Opened,
    previously: &Previously,
    client: &Client,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(&opened.token.session.0[..]),
            sessions::account_id.eq(&opened.token.account.as_bytes()[..]),
            sessions::created_at.eq(opened.began_at),
            sessions::authenticated_at.eq(opened.began_at),
            sessions::last_seen_at.eq(opened.began_at),
            sessions::expires_at.eq(opened.token.expires_at),
            sessions::remembered.eq(opened.keep_for.is_some()),
            sessions::previous_sign_in_at.eq(previously.at),
            sessions::previous_address.eq(&previously.address),
            sessions::previous_user_agent.eq(&previously.user_agent),
            sessions::failures_before.eq(previously.failures),
            sessions::address.eq(client.address.to_canonical().to_string()),
            sessions::user_agent.eq(&*client.user_agent),
        ))
        .execute(conn)
        .map(|_| ())
}

/// The session and when its last use was written.
pub(super) fn load(conn: &mut AnyConnection, id: SessionId) -> QueryResult<Option<(Session, Timestamp)>> {
    type Row = (
        (Timestamp, Timestamp, Timestamp, bool),
        (Option<Timestamp>, String, String, i32),
        (Vec<u8>, String, String, Timestamp),
    );
    let row: Option<Row> = sessions::table
        .inner_join(accounts::table)
        .filter(sessions::id.eq(&id.0[..]))
        .select((
            (sessions::last_seen_at, sessions::authenticated_at, sessions::expires_at, sessions::remembered),
            (
                sessions::previous_sign_in_at,
                sessions::previous_address,
                sessions::previous_user_agent,
                sessions::failures_before,
            ),
            (accounts::id, accounts::username, accounts::email, accounts::created_at),
        ))
        .get_result(conn)
        .optional()?;
    let Some(((last_seen_at, authenticated_at, expires_at, remembered), before, owner)) = row else {
        return Ok(None);
    };
    let (at, address, user_agent, failures) = before;
    let (account, username, email, created_at) = owner;
    let session = Session {
        id,
        owner: Owner { id: uuid(&account)?, username, email, created_at },
        previously: Previously { at, address, user_agent, failures },
        authenticated_at,
        expires_at,
        remembered,
    };
    Ok(Some((session, last_seen_at)))
}

pub(super) fn delete(conn: &mut AnyConnection, id: SessionId) -> QueryResult<bool> {
    diesel::delete(sessions::table.find(&id.0[..])).execute(conn).map(|rows| rows > 0)
}

/// Deletes a session if it is this account's; tells whether it was.
pub(super) fn delete_of(conn: &mut AnyConnection, account: Uuid, id: SessionId) -> QueryResult<bool> {
    diesel::delete(sessions::table.find(&id.0[..]).filter(sessions::account_id.eq(&account.as_bytes()[..])))
        .execute(conn)
        .map(|rows| rows > 0)
}

/// Deletes all sessions of an account but `keep`; tells how many.
pub(super) fn delete_all_of(conn: &mut AnyConnection, account: Uuid, keep: Option<SessionId>) -> QueryResult<usize> {
    let all = sessions::table.filter(sessions::account_id.eq(&account.as_bytes()[..]));
    match keep {
        Some(keep) => diesel::delete(all.filter(sessions::id.ne(&keep.0[..]))).execute(conn),
        None => diesel::delete(all).execute(conn),
    }
}

pub(super) fn set_authenticated_at(conn: &mut AnyConnection, id: SessionId, at: Timestamp) -> QueryResult<()> {
    prepared(diesel::update(sessions::table.find(&id.0[..])).set(sessions::authenticated_at.eq(at)))
        .execute(conn)
        .map(|_| ())
}

/// The sessions of an account that are not over, those used last first; and how many there are.
pub(super) fn list(
    conn: &mut AnyConnection,
    account: Uuid,
    now: Timestamp,
    plain: Timestamp,
    remembered: Timestamp,
    limit: usize,
) -> QueryResult<(Vec<Listed>, i64)> {
    // As CASE and not as OR: for that, SQLite goes along the index of all idle sessions and not along the account's.
    let since = case_when(sessions::remembered.eq(true), remembered.into_sql::<BigInt>()).otherwise(plain);
    let living = sessions::table
        .filter(sessions::account_id.eq(account.as_bytes().to_vec()))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_seen_at.gt(since));
    let count = living.clone().count().get_result(conn)?;
    let rows: Vec<(Vec<u8>, Timestamp, Timestamp, String, String)> = living
        .order((sessions::last_seen_at.desc(), sessions::id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((sessions::id, sessions::created_at, sessions::last_seen_at, sessions::address, sessions::user_agent))
        .load(conn)?;
    let listed = rows.into_iter().map(|(id, created_at, last_seen_at, address, user_agent)| {
        let id = SessionId(*uuid(&id)?.as_bytes());
        Ok(Listed { id, created_at, last_seen_at, address, user_agent })
    });
    Ok((listed.collect::<QueryResult<_>>()?, count))
}

/// Deletes a session that is over and records it; tells whether it was still there.
pub(super) fn expire(
    conn: &mut AnyConnection,
    id: SessionId,
    account: Uuid,
    client: &Client,
    now: Timestamp,
) -> QueryResult<bool> {
    let ended = delete(conn, id)?;
    if ended {
        events::record(conn, Kind::SessionExpired, Some(account), client, now)?;
    }
    Ok(ended)
}

pub(super) fn write_seen(conn: &mut AnyConnection, seen: &[(SessionId, Timestamp)]) -> QueryResult<()> {
    for (id, at) in seen {
        prepared(
            diesel::update(sessions::table.find(&id.0[..]).filter(sessions::last_seen_at.lt(*at)))
                .set(sessions::last_seen_at.eq(*at)),
        )
        .execute(conn)?;
    }
    Ok(())
}

/// Sessions past their end, or not used since `plain` or, with "keep me signed in", `remembered`; and who last had them.
pub(super) fn expired(
    conn: &mut AnyConnection,
    now: Timestamp,
    plain: Timestamp,
    remembered: Timestamp,
    limit: usize,
) -> QueryResult<Vec<(SessionId, Uuid, Client)>> {
    let idle = |kept: bool, since: Timestamp| sessions::remembered.eq(kept).and(sessions::last_seen_at.le(since));
    let rows: Vec<(Vec<u8>, Vec<u8>, String, String)> = sessions::table
        .filter(sessions::expires_at.le(now).or(idle(false, plain)).or(idle(true, remembered)))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((sessions::id, sessions::account_id, sessions::address, sessions::user_agent))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, account, address, user_agent)| {
            let client = Client {
                address: address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                user_agent: user_agent.into(),
                request_id: RequestId::new(),
            };
            Ok((SessionId(*uuid(&id)?.as_bytes()), uuid(&account)?, client))
        })
        .collect()
}

/// Sixteen bytes, as the migrations say.
fn uuid(bytes: &[u8]) -> QueryResult<Uuid> {
    Uuid::from_slice(bytes).map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
}
