//! Lists of columns as the parts of statements.
//!
//! A list is a macro that takes the name of one of these forms. So each column is written once, and every statement is
//! still a constant text.

/// Joins columns with commas: `r.id, r.status`.
macro_rules! join {
    ($table:ident:) => { "" };
    ($table:ident: $first:ident $(, $column:ident)*) => {
        concat!(
            stringify!($table), ".", stringify!($first)
            $(, ", ", stringify!($table), ".", stringify!($column))*
        )
    };
}

/// The columns of a row that is read from left to right.
#[cfg(feature = "sqlite")]
macro_rules! flat_row {
    (
        $table:ident: $id:ident,
        ids: [$($key:ident),*],
        texts: [$text:ident $(, $texts:ident)*],
        numbers: [$number:ident $(, $numbers:ident)*],
        flags: [$($flag:ident),*],
        instants: [$($instant:ident),*]
    ) => {
        $crate::stores::rows::join!(
            $table: $id $(, $key)*, $text $(, $texts)*, $number $(, $numbers)* $(, $flag)* $(, $instant)*
        )
    };
}

/// The columns of a row that is read as one array for each kind of value.
#[cfg(feature = "postgres")]
macro_rules! array_row {
    (
        $table:ident: $id:ident,
        ids: [$($key:ident),*],
        texts: [$text:ident $(, $texts:ident)*],
        numbers: [$number:ident $(, $numbers:ident)*],
        flags: [$($flag:ident),*],
        instants: [$($instant:ident),*]
    ) => {
        concat!(
            stringify!($table), ".", stringify!($id), ", ARRAY[",
            $(stringify!($table), ".", stringify!($key), "::text, ",)*
            $crate::stores::rows::join!($table: $text $(, $texts)*), "], ARRAY[",
            $crate::stores::rows::join!($table: $number $(, $numbers)*)
            $(, ", ", stringify!($table), ".", stringify!($flag), "::int")*,
            "], ARRAY[", $crate::stores::rows::join!($table: $($instant),*), "]::timestamptz[]"
        )
    };
}

/// The names of columns: `status, output`.
macro_rules! names {
    ($first:ident $(, $column:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($column))*)
    };
}

/// A question mark for each column: `?, ?`.
#[cfg(feature = "sqlite")]
macro_rules! placeholders {
    ($first:ident $(, $column:ident)*) => {
        concat!("?" $(, $crate::stores::rows::placeholders!(@one $column))*)
    };
    (@one $column:ident) => { ", ?" };
}

/// Assignments of arguments: `status = ?, output = ?`.
#[cfg(feature = "sqlite")]
macro_rules! assigned {
    ($first:ident $(, $column:ident)*) => {
        concat!(stringify!($first), " = ?" $(, ", ", stringify!($column), " = ?")*)
    };
}

/// Assignments from the row `n`: `status = n.status, output = n.output`.
#[cfg(feature = "postgres")]
macro_rules! assigned_from_n {
    ($first:ident $(, $column:ident)*) => {
        concat!(
            stringify!($first), " = n.", stringify!($first)
            $(, ", ", stringify!($column), " = n.", stringify!($column))*
        )
    };
}

#[cfg(feature = "postgres")]
pub(in crate::stores) use {array_row, assigned_from_n};
#[cfg(feature = "sqlite")]
pub(in crate::stores) use {assigned, flat_row, placeholders};
pub(in crate::stores) use {join, names};
