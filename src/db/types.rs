//! How our own types are stored. The impls stand here and not beside the types, so that Diesel is known only below `db`
//! and to the `store.rs` files.

/// Makes `$type` usable as a column of `$sql`, given its `ToSql` and `FromSql`. Expands to what Diesel's derives
/// `AsExpression` and `FromSqlRow` do, which can only stand at the type itself.
macro_rules! column_type {
    ($type:ty, $sql:ty) => {
        const _: () = {
            use diesel::{
                backend::Backend,
                deserialize::{self, FromSql, Queryable},
                expression::AsExpression,
                internal::derives::as_expression::Bound,
                serialize::{self, Output, ToSql},
                sql_types::Nullable,
            };

            impl AsExpression<$sql> for $type {
                type Expression = Bound<$sql, Self>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }

            impl AsExpression<$sql> for &$type {
                type Expression = Bound<$sql, Self>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }

            impl AsExpression<Nullable<$sql>> for $type {
                type Expression = Bound<Nullable<$sql>, Self>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }

            impl AsExpression<Nullable<$sql>> for &$type {
                type Expression = Bound<Nullable<$sql>, Self>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }

            impl<DB: Backend> ToSql<Nullable<$sql>, DB> for $type
            where
                $type: ToSql<$sql, DB>,
            {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                    <$type as ToSql<$sql, DB>>::to_sql(self, out)
                }
            }

            impl<DB: Backend> Queryable<$sql, DB> for $type
            where
                $type: FromSql<$sql, DB>,
            {
                type Row = Self;

                fn build(row: Self) -> deserialize::Result<Self> {
                    Ok(row)
                }
            }
        };
    };
}

/// Stores an id of 16 bytes as `BINARY(16)` or `BLOB`. The type has `as_bytes()` and `From<[u8; 16]>`.
macro_rules! binary_id {
    ($type:ty) => {
        $crate::db::types::column_type!($type, diesel::sql_types::Binary);

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Binary, DB> for $type
        where
            DB: diesel::backend::Backend,
            [u8]: diesel::serialize::ToSql<diesel::sql_types::Binary, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                <[u8] as diesel::serialize::ToSql<diesel::sql_types::Binary, DB>>::to_sql(&self.as_bytes()[..], out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Binary, DB> for $type
        where
            DB: diesel::backend::Backend,
            Vec<u8>: diesel::deserialize::FromSql<diesel::sql_types::Binary, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let bytes = Vec::<u8>::from_sql(bytes)?;
                <[u8; 16]>::try_from(bytes).map(Self::from).map_err(|_| "an id has 16 bytes".into())
            }
        }
    };
}

/// Stores a type as text. `$to` borrows its text, `$from` makes it from a stored `String`.
macro_rules! text_type {
    ($type:ty, $to:expr, $from:expr) => {
        $crate::db::types::column_type!($type, diesel::sql_types::Text);

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $type
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                let text: fn(&Self) -> &str = $to;
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(text(self), out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $type
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let parse: fn(String) -> Self = $from;
                String::from_sql(bytes).map(parse)
            }
        }
    };
}

pub(crate) use {binary_id, column_type, text_type};

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    serialize::{self, Output, ToSql},
    sql_types::BigInt,
};

use crate::{
    clock::Timestamp,
    identity::{AccountId, Email, Role, Username},
};

binary_id!(AccountId);
text_type!(Username, Username::as_str, Username::from_stored);
text_type!(Email, Email::as_str, Email::from_stored);
text_type!(Role, Role::as_str, Role::from_stored);
column_type!(Timestamp, BigInt);

/// As an integer, because SQLite keeps nanoseconds of a date and MySQL microseconds: an integer comes back from either
/// as it went in, and both sort and compare it alike.
impl<DB> ToSql<BigInt, DB> for Timestamp
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<BigInt, DB> for Timestamp
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(bytes).map(Self::from_millis)
    }
}
