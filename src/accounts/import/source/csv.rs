//! A CSV file with a header, which is line 1.

use std::fs::File;

use csv::{ReaderBuilder, StringRecord};

use super::{Mapping, Sender, SourceError};
use crate::accounts::import::record::Record;

pub(super) fn read(file: File, mapping: &Mapping, rows: &mut Sender) -> Result<(), SourceError> {
    let fail = |error: csv::Error| SourceError::Malformed(format!("cannot read the CSV file: {error}"));
    let mut reader = ReaderBuilder::new().from_reader(file);
    // The mark that spreadsheets write before the header.
    let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
    let header: Vec<String> = reader.headers().map_err(fail)?.iter().map(name).collect();
    let columns = mapping.resolve(&header)?;
    let mut record = StringRecord::new();
    loop {
        let line = reader.position().line();
        let mut row = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let value = |place: usize| record.get(place).unwrap_or_default().to_owned();
                let values = columns.iter().map(|(field, place)| (*field, value(*place))).collect();
                let mut row = Record { values, ..Record::default() };
                row.set_flags(|column| header.iter().position(|name| name == column).map(value));
                row
            }
            Err(error) if !error.is_io_error() => {
                Record { error: Some("the line is not UTF-8, or not as the header".to_owned()), ..Record::default() }
            }
            Err(error) => return Err(fail(error)),
        };
        row.line = record.position().map_or(line, csv::Position::line);
        rows.progress.set_done(reader.position().byte());
        if !rows.send(row) {
            return Ok(());
        }
    }
}
