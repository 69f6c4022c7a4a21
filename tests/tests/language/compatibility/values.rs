//! Values inside fields: numbers, texts, collections, structs and enums.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

use super::changes;
use super::edit::edit;

mod one {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Inner {
        name: String,
        size: u8,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub enum Colour {
        Red,
        Green,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub enum Shape {
        Empty,
        Circle { radius: u32 },
        Square { side: u32 },
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "kind")]
    pub enum Event {
        Begun { at: u64 },
        Ended,
    }
}

mod two {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Inner {
        name: String,
        size: String,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub enum Colour {
        Red,
        Blue,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub enum Shape {
        Empty,
        Circle { radius: String },
        Point,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "kind")]
    pub enum Event {
        Begun { at: u64, by: String },
        Ended,
        Paused,
    }
}

edit!(integer_to_number: (() -> { n: u32 }) => (() -> { n: f64 }));
edit!(number_to_integer: (() -> { n: f64 }) => (() -> { n: u32 }));
edit!(sign: (() -> { n: i64 }) => (() -> { n: u64 }));
edit!(bounds: (() -> { #[schemars(range(max = 10))] n: u32 }) => (() -> { #[schemars(range(max = 5))] n: u32 }));
edit!(floats: (() -> { n: f32 }) => (() -> { n: f64 }));

#[test]
fn numbers() {
    integer_to_number::reports(&expect![[r#"
        new version  stage `report`: output field `n` changed from integer to number
                     stored outputs would still decode
    "#]]);
    number_to_integer::reports(&expect![[r#"
        strands      stage `report`: output field `n` changed from number to integer
                     stored outputs would no longer decode
    "#]]);
    sign::reports(&expect![[r#"
        strands      stage `report`: output field `n` changed from integer (int64) to integer (uint64)
                     stored outputs may no longer decode
    "#]]);
    bounds::reports(&expect![[r#"
        strands      stage `report`: output field `n` has another `maximum`: `5`, not `10`
                     stored outputs may no longer decode
    "#]]);
    floats::reports(&expect![[r#"
        new version  stage `report`: output field `n` changed from number (float) to number (double)
                     stored outputs would still decode
    "#]]);
}

edit!(text_to_path: (() -> { t: String }) => (() -> { t: char }));
edit!(pattern: (() -> { t: String }) => (() -> { #[schemars(regex(pattern = "^a"))] t: String }));

#[test]
fn texts() {
    text_to_path::reports(&expect![[r#"
        strands      stage `report`: output field `t` has a new `maxLength`: `1`
                     stored outputs may no longer decode

        strands      stage `report`: output field `t` has a new `minLength`: `1`
                     stored outputs may no longer decode
    "#]]);
    pattern::reports(&expect![[r#"
        strands      stage `report`: output field `t` has a new `pattern`: `"^a"`
                     stored outputs may no longer decode
    "#]]);
}

edit!(single_to_list: (() -> { tags: String }) => (() -> { tags: Vec<String> }));
edit!(items: (() -> { tags: Vec<String> }) => (() -> { tags: Vec<u8> }));
edit!(tuples: (() -> { pair: (u8, String) }) => (() -> { pair: (u8, u8) }));
edit!(wider_tuple: (() -> { pair: (u8, u8) }) => (() -> { pair: (u8, u8, u8) }));
edit!(map: (() -> { map: BTreeMap<String, u8> }) => (() -> { map: BTreeMap<String, String> }));

#[test]
fn collections() {
    single_to_list::reports(&expect![[r#"
        strands      stage `report`: output field `tags` changed from string to list of string
                     stored outputs would no longer decode
    "#]]);
    items::reports(&expect![[r#"
        strands      stage `report`: output field `tags[]` changed from string to integer
                     stored outputs would no longer decode
    "#]]);
    tuples::reports(&expect![[r#"
        strands      stage `report`: output field `pair.1` changed from string to integer
                     stored outputs would no longer decode
    "#]]);
    wider_tuple::reports(&expect![[r#"
        strands      stage `report`: output field `pair` changed from (integer, integer) to (integer, integer, integer)
                     stored outputs would no longer decode
    "#]]);
    map::reports(&expect![[r#"
        strands      stage `report`: output field `map.*` changed from integer to string
                     stored outputs would no longer decode
    "#]]);
}

edit!(nested: (() -> { inner: one::Inner }) => (() -> { inner: two::Inner }));
edit!(nested_list: (() -> { inner: Vec<Option<one::Inner>> }) => (() -> { inner: Vec<Option<two::Inner>> }));
edit!(to_anything: (() -> { inner: one::Inner }) => (() -> { inner: serde_json::Value }));

#[test]
fn structs_inside() {
    nested::reports(&expect![[r#"
        strands      stage `report`: output field `inner.size` changed from integer to string
                     stored outputs would no longer decode
    "#]]);
    nested_list::reports(&expect![[r#"
        strands      stage `report`: output field `inner[].size` changed from integer to string
                     stored outputs would no longer decode
    "#]]);
    to_anything::reports(&expect![[r#"
        new version  stage `report`: output field `inner` changed from object to anything
                     stored outputs would still decode
    "#]]);
}

edit!(variants: (() -> { colour: one::Colour }) => (() -> { colour: two::Colour }));
edit!(shapes: (() -> { shape: one::Shape }) => (() -> { shape: two::Shape }));
edit!(tagged: (() -> { event: one::Event }) => (() -> { event: two::Event }));

#[test]
fn enums() {
    variants::reports(&expect![[r#"
        strands      stage `report`: output field `colour` no longer allows `Green`
                     stored outputs may no longer decode

        new version  stage `report`: output field `colour` now allows `Blue` as well
                     stored outputs would still decode
    "#]]);
    shapes::reports(&expect![[r#"
        strands      stage `report`: output field `shape.Circle.radius` changed from integer to string
                     stored outputs would no longer decode

        strands      stage `report`: output field `shape` no longer allows `Square`
                     stored outputs may no longer decode

        new version  stage `report`: output field `shape` now allows `Point` as well
                     stored outputs would still decode
    "#]]);
    tagged::reports(&expect![[r#"
        strands      stage `report`: output field `event.by` is new and has no default
                     stored outputs would no longer decode

        new version  stage `report`: output field `event` now allows `kind: Paused` as well
                     stored outputs would still decode
    "#]]);
}
