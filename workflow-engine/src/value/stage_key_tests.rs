//! Keys of stages and places: how they are shown, read and sorted.

use super::{Place, StageKey};

/// Numbers of which texts in decimal digits would sort in another order.
fn places() -> Vec<Place> {
    [
        vec![],
        vec![0],
        vec![0, 0],
        vec![0, 7],
        vec![9],
        vec![17],
        vec![17, 3],
        vec![17, u32::MAX],
        vec![255],
        vec![u32::MAX],
    ]
    .map(Place::from)
    .to_vec()
}

#[test]
fn places_sort_as_their_columns_do_and_are_read_back() {
    let places = places();
    assert!(places.is_sorted());
    assert!(places.iter().map(Place::column).is_sorted());
    for place in &places {
        assert_eq!(Place::from_column(&place.column()).as_ref(), Some(place));
        assert_eq!(place.to_string().parse::<Place>().unwrap(), *place);
        let json = serde_json::to_string(place).unwrap();
        assert_eq!(serde_json::from_str::<Place>(&json).unwrap(), *place);
    }
    assert_eq!(Place::from([17, 3]).column(), "00000011.00000003");
    for text in ["11", "0000001g", "0000000A", "+0000001", "00000011.", ".00000011", "00000011.3"] {
        assert_eq!(Place::from_column(text), None, "{text}");
    }
}

#[test]
fn other_texts_are_no_places() {
    for text in
        ["17", "[]", "[ 17]", "[+17]", "[017]", "[-1]", "[17", "17]", "[17][", "[17]x", "[4294967296]"]
    {
        let error = text.parse::<Place>().unwrap_err();
        assert!(error.is_invalid_input(), "{text}: {error}");
    }
}

#[test]
fn every_text_is_a_key_and_is_shown_as_it_was_read() {
    for text in [
        "embed",
        "embed[17]",
        "embed[17][3]",
        "embed[",
        "embed[]",
        "embed[x]",
        "embed[017]",
        "[17]",
        "a]",
        "",
    ] {
        let key = StageKey::from(text);
        assert_eq!(key, StageKey::from(text.to_owned()));
        assert_eq!(key.to_string(), text);
        assert_eq!(serde_json::to_value(&key).unwrap(), text);
        assert_eq!(serde_json::from_value::<StageKey>(text.into()).unwrap(), key);
    }
    assert_eq!(StageKey::from("embed[17][3]"), StageKey::new("embed", Place::from([17, 3])));
    assert_eq!(StageKey::from("embed[017]"), StageKey::new("embed[017]", Place::default()));
}

#[test]
fn a_key_without_a_place_selects_every_place_of_its_stage() {
    let (stage, item) = (StageKey::from("embed"), StageKey::from("embed[17]"));
    for place in places() {
        assert!(stage.selects("embed", &place));
        assert_eq!(item.selects("embed", &place), place == Place::from([17]));
        assert_eq!(stage.is("embed", &place), place.is_empty());
    }
    assert!(!stage.selects("embe", &Place::default()));
}
