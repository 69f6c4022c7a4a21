//! Tests of the encoding of rows.

use super::*;
use crate::stores::instant;

/// What sqlx sends for a column.
fn sent<'q, T: Encode<'q, Postgres> + Type<Postgres>>(value: Option<T>) -> Vec<u8> {
    let mut bytes = T::type_info().oid().unwrap().0.to_be_bytes().to_vec();
    let Some(value) = value else {
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        return bytes;
    };
    let mut buffer = PgArgumentBuffer::default();
    assert!(matches!(value.encode(&mut buffer), Ok(IsNull::No)));
    bytes.extend_from_slice(&i32::try_from(buffer.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&buffer);
    bytes
}

#[test]
fn every_value_is_encoded_as_sqlx_encodes_it() {
    let micros = [0, EPOCH, EPOCH - 1, -86_400_000_000, 1_764_460_000_123_456];
    let instants: Vec<DateTime<Utc>> = micros
        .into_iter()
        .filter_map(DateTime::from_timestamp_micros)
        .chain([instant::NEVER, DateTime::UNIX_EPOCH])
        .collect();
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef);

    let mut rows = CompositeRows::default();
    rows.push(|row| {
        row.uuid(id).maybe_uuid(None).text("größe").maybe_text(None).flag(true).flag(false);
        row.int(i64::MAX).int(-1).maybe_int(None::<i64>).maybe_instant(None);
        for instant in &instants {
            row.instant(*instant);
        }
    });

    let columns = [
        sent(Some(id)),
        sent(None::<Uuid>),
        sent(Some("größe")),
        sent(None::<&str>),
        sent(Some(true)),
        sent(Some(false)),
        sent(Some(i64::MAX)),
        sent(Some(-1_i64)),
        sent(None::<i64>),
        sent(None::<DateTime<Utc>>),
    ];
    let columns: Vec<Vec<u8>> =
        columns.into_iter().chain(instants.iter().map(|instant| sent(Some(*instant)))).collect();
    let count = i32::try_from(columns.len()).unwrap();
    assert_eq!(rows.bytes, [count.to_be_bytes().to_vec(), columns.concat()].concat());
    assert_eq!(rows.ends, [rows.bytes.len()]);
}
