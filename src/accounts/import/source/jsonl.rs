//! A file with one JSON object per line.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
};

use serde_json::Value;

use super::{Mapping, Sender, SourceError};
use crate::accounts::import::record::Record;

/// The longest line, in bytes: a row has at most a few hundred.
const MAX_LINE: u64 = 1 << 20;

pub(super) fn read(file: File, mapping: &Mapping, rows: &mut Sender) -> Result<(), SourceError> {
    let fail = |error| SourceError::Malformed(format!("cannot read the file: {error}"));
    let (mut reader, mut line, mut bytes) = (BufReader::new(file), Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(fail)?;
        if read == 0 {
            return Ok(());
        }
        if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
            return Err(SourceError::Malformed(format!("line {number} has more than {MAX_LINE} bytes")));
        }
        bytes += read as u64;
        rows.progress.set_done(bytes);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = match serde_json::from_slice::<HashMap<String, Value>>(&line) {
            Ok(object) => record(&object, mapping),
            // The text of the error could repeat a part of the line.
            Err(_) => Record { error: Some("the line is not a JSON object".to_owned()), ..Record::default() },
        };
        if !rows.send(Record { line: number, ..record }) {
            return Ok(());
        }
    }
    Ok(())
}

fn record(object: &HashMap<String, Value>, mapping: &Mapping) -> Record {
    let names: Vec<String> = object.keys().cloned().collect();
    let columns = match mapping.resolve(&names) {
        Ok(columns) => columns,
        Err(error) => return Record { error: Some(error.to_string()), ..Record::default() },
    };
    let value = |name: &str| object.get(name).map(text);
    let values = columns.into_iter().filter_map(|(field, place)| Some((field, value(&names[place])?))).collect();
    let mut record = Record { values, ..Record::default() };
    record.set_flags(value);
    record
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
