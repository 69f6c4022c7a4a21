//! Which values survive their stored form, and what is said about those that do not.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{encode, encode_leniently, keep};
use crate::error::ErrorCode;
use crate::value::{MAX_DEPTH, Storable};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Report {
    title: String,
    scores: Vec<Option<f64>>,
    by_name: BTreeMap<String, Part>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
enum Part {
    Empty,
    One(f32),
    Two(u8, i128),
    Named { size: u64, tag: Option<char> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Number {
    Float(f64),
    Int(i64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Cents(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Euros(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Money {
    Cents(Cents),
    Euros(Euros),
}

/// A list whose `Deserialize` loses a part.
#[derive(Debug, Serialize, JsonSchema)]
struct Lossy(Vec<u32>);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|mut list: Vec<u32>| {
            list.pop();
            Self(list)
        })
    }
}

fn fault<T: Storable>(value: &T) -> (ErrorCode, String) {
    let fault = keep(value).unwrap_err();
    (fault.code(), fault.to_string())
}

fn report() -> Report {
    let parts = [
        ("a", Part::Empty),
        ("b", Part::One(0.1)),
        ("c", Part::Two(7, i128::MIN)),
        ("d", Part::Named { size: u64::MAX, tag: Some('é') }),
    ];
    Report {
        title: "\u{0} \u{1F980}".into(),
        scores: vec![Some(-0.0), None, Some(f64::MIN_POSITIVE), Some(f64::MAX), Some(0.1 + 0.2)],
        by_name: parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect(),
    }
}

#[test]
fn an_ordinary_value_is_kept_as_it_is() {
    let json = keep(&report()).unwrap();
    assert_eq!(json.load::<Report>().unwrap(), report());
    keep(&json!({"a": [1, -1, 1.5, u64::MAX, null, "x"], "b": {}})).unwrap();
    let many: HashMap<String, u32> = (0..100).map(|number| (number.to_string(), number)).collect();
    keep(&many).unwrap();
    keep(&(0..100).collect::<HashSet<u32>>()).unwrap();
    keep(&BTreeMap::from([(1_u8, true)])).unwrap();
    keep(&Some(Some(1))).unwrap();
    keep(&None::<Option<u8>>).unwrap();
    keep(&Number::Float(1.0)).unwrap();
    keep(&((), Value::Null, "x".to_owned())).unwrap();
}

#[test]
fn every_float_is_exact() {
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(state);
        if number.is_finite() {
            assert_eq!(keep(&number).unwrap().load::<f64>().unwrap().to_bits(), number.to_bits());
        }
        #[allow(clippy::cast_possible_truncation)]
        let number = f32::from_bits((state >> 32) as u32);
        if number.is_finite() {
            assert_eq!(keep(&number).unwrap().load::<f32>().unwrap().to_bits(), number.to_bits());
        }
    }
}

#[test]
fn a_value_that_would_arrive_as_another_one_is_refused_with_its_path() {
    let changed = |text: &str| (ErrorCode::PayloadChanged, text.to_owned());
    assert_eq!(fault(&f64::NAN), changed("`NaN` has no form in JSON, and would be read back as `null`"));
    let mut infinite = report();
    infinite.scores[2] = Some(f64::INFINITY);
    assert_eq!(fault(&infinite), changed("at `scores[2]`, `Some(inf (f64))` would be read back as `None`"));
    infinite = report();
    infinite.by_name.insert("b".into(), Part::One(f32::NAN));
    assert_eq!(
        fault(&infinite),
        changed("at `by_name.b.One`, `NaN` has no form in JSON, and would be read back as `null`")
    );
    assert_eq!(fault(&Some(f64::NAN)), changed("`Some(NaN (f64))` would be read back as `None`"));
    assert_eq!(fault(&Some(None::<u8>)), changed("`Some(None)` would be read back as `None`"));
    assert_eq!(fault(&vec![Some(())]), changed("at `[0]`, `Some(())` would be read back as `None`"));
    assert_eq!(fault(&Number::Int(1)), changed("`1 (i64)` would be read back as `1.0 (f64)`"));
    assert_eq!(
        fault(&(1, Money::Euros(Euros(1)))),
        changed("at `[1]`, `Euros` would be read back as `Cents`")
    );
    assert_eq!(fault(&Lossy(vec![1, 2])), changed("at `[1]`, `2 (u32)` would be read back as nothing"));
}

#[test]
fn a_value_that_cannot_be_read_back_is_refused_with_its_path() {
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Strict {
        inner: Vec<Inner>,
    }
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Inner {
        #[serde(skip_serializing)]
        #[allow(dead_code, reason = "it is only decoded")]
        lost: u8,
    }
    let (code, text) = fault(&Strict { inner: vec![Inner { lost: 1 }] });
    assert_eq!(code, ErrorCode::PayloadUnreadable);
    assert!(text.starts_with("at `inner[0]`, it cannot be read back: missing field `lost`"), "{text}");

    let keys: BTreeMap<String, HashMap<Vec<u8>, u8>> =
        BTreeMap::from([("a".to_owned(), HashMap::from([(vec![1], 1)]))]);
    let (code, text) = fault(&keys);
    assert_eq!(code, ErrorCode::PayloadUnreadable);
    assert_eq!(text, "at `a`, a key of a map is not a text: key must be a string");
}

#[test]
fn values_of_unknown_types_are_refused_where_no_reader_could_know() {
    for (fault, text) in [
        (encode(&[1.0, f64::NAN]).unwrap_err(), "at `[1]`, `NaN` has no form in JSON"),
        (
            encode(&Some(())).unwrap_err(),
            "`Some` of a value that is `null` in JSON would be read back as `None`",
        ),
        (encode(&HashMap::from([((1, 2), 3)])).unwrap_err(), "a key of a map is not a text"),
    ] {
        assert!(fault.to_string().starts_with(text), "{fault}");
    }
    assert_eq!(encode(&(None::<u8>, ())).unwrap().as_str(), "[null,null]");
    assert_eq!(encode_leniently(&[f64::NAN]).unwrap().as_str(), "[null]");
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

#[test]
fn a_value_that_is_nested_too_deeply_is_refused_before_the_stack_overflows() {
    let json = keep(&nested(MAX_DEPTH)).unwrap();
    assert_eq!(json.load::<Value>().unwrap(), nested(MAX_DEPTH));
    let deep = nested(6_000);
    for fault in [
        keep(&nested(MAX_DEPTH + 1)).unwrap_err(),
        keep(&deep).unwrap_err(),
        encode(&deep).unwrap_err(),
        encode_leniently(&deep).unwrap_err(),
    ] {
        assert!(fault.is_too_deep());
        let text = fault.to_string();
        assert!(text.starts_with("at `[0][0]"), "{text}");
        assert!(text.ends_with("…`, arrays and objects are nested more than 127 levels deep"), "{text}");
    }
    super::deep_drop(deep);
}

/// `Some` needs no level in JSON, so nothing else bounds this.
#[derive(Serialize)]
struct Chain(Option<Box<Self>>);

#[test]
fn wrappers_without_a_level_in_json_are_bounded_too() {
    let chain = (0..100_000).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))));
    assert!(encode(&chain).unwrap_err().is_too_deep());
    super::deep_drop(chain);
}
