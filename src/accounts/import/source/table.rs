//! A table of an SQLite file or a MySQL server.

use strum::VariantArray;

use super::{Preset, Sender, Source, SourceError};
use crate::{
    accounts::import::record::{Field, ROLE_FLAGS, Record},
    db::ForeignDatabase,
};

/// The tables that connect accounts and roles: of the accounts, of the roles, and the columns of the former.
struct RoleTables {
    link: &'static str,
    roles: &'static str,
    account: &'static str,
    role: &'static str,
}

impl Preset {
    fn role_tables(self) -> Option<RoleTables> {
        match self {
            Self::Django => {
                Some(RoleTables { link: "auth_user_groups", roles: "auth_group", account: "user_id", role: "group_id" })
            }
            Self::FlaskSecurity => {
                Some(RoleTables { link: "roles_users", roles: "role", account: "user_id", role: "role_id" })
            }
            Self::Flask | Self::FlaskPraetorian | Self::Csv | Self::Jsonl => None,
        }
    }
}

pub(super) fn read(mut database: ForeignDatabase, source: &Source, rows: &mut Sender) -> Result<(), SourceError> {
    let tables = database.tables().map_err(SourceError::Database)?;
    let usual = source.preset.usual_tables();
    let table = match &source.table {
        Some(table) if tables.contains(table) => table.clone(),
        Some(table) => return Err(SourceError::NoTable(table.clone())),
        None => usual
            .iter()
            .find(|name| tables.iter().any(|table| table == *name))
            .map(|name| (*name).to_owned())
            .ok_or_else(|| SourceError::NoTable(usual.join(", ")))?,
    };
    let columns = database.columns(&table).map_err(SourceError::Database)?;
    let fields = source.mapping.resolve(&columns)?;
    let quoted_table = database.quote(&table);
    let quoted = |name: &str| format!("{quoted_table}.{}", database.quote(name));
    let has = |name: &str| columns.iter().any(|column| column == name);
    let mut expressions: Vec<String> = Field::VARIANTS
        .iter()
        .map(|field| fields.get(field).map_or_else(|| "NULL".to_owned(), |place| quoted(&columns[*place])))
        .collect();
    for (column, _) in ROLE_FLAGS {
        expressions.push(if has(column) { quoted(column) } else { "NULL".to_owned() });
    }
    let linked = source.preset.role_tables().filter(|linked| {
        let is_there = |name: &str| tables.iter().any(|table| table == name);
        has("id") && is_there(linked.link) && is_there(linked.roles)
    });
    expressions.push(linked.map_or_else(
        || "NULL".to_owned(),
        |RoleTables { link, roles, account, role }| {
            format!(
                "(SELECT GROUP_CONCAT({roles}.name) FROM {roles} JOIN {link} ON {link}.{role} = {roles}.id \
                 WHERE {link}.{account} = {})",
                quoted("id")
            )
        },
    ));
    rows.progress.set_total(database.count(&table).map_err(SourceError::Database)?);
    let mut line = 0;
    let each = |texts: Option<[Option<String>; crate::db::MAX_COLUMNS]>| {
        line += 1;
        rows.progress.set_done(line);
        let Some(texts) = texts else {
            let error = Some("a text is not UTF-8".to_owned());
            return rows.send(Record { line, error, ..Record::default() });
        };
        let mut texts = texts.into_iter();
        let mut record = Record { line, ..Record::default() };
        for (field, text) in Field::VARIANTS.iter().zip(texts.by_ref()) {
            record.values.extend(text.map(|text| (*field, text)));
        }
        let flags: Vec<Option<String>> = texts.by_ref().take(ROLE_FLAGS.len()).collect();
        record.set_flags(|column| {
            let place = ROLE_FLAGS.iter().position(|(name, _)| *name == column)?;
            flags[place].clone()
        });
        if let Some(linked) = texts.next().flatten() {
            let roles = record.values.entry(Field::Roles).or_default();
            *roles = format!("{roles},{linked}");
        }
        rows.send(record)
    };
    database.read(&table, &expressions, each).map_err(SourceError::Database)
}
