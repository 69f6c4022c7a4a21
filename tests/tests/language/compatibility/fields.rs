//! Fields of inputs, configurations and outputs.

use expect_test::{Expect, expect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

use super::changes;
use super::edit::edit;

edit!(another_type: (() -> { title: String }) => (() -> { title: u32 }));
edit!(gone_and_come: (() -> { title: String }) => (() -> { headline: String }));
edit!(defaulted: (() -> {}) => (() -> { #[serde(default)] title: String }));
edit!(no_longer_defaulted: (() -> { #[serde(default)] title: String }) => (() -> { title: String }));

#[test]
fn of_an_output() {
    another_type::reports(&expect![[r#"
        strands      stage `report`: output field `title` changed from string to integer
                     stored outputs would no longer decode
    "#]]);
    gone_and_come::reports(&expect![[r#"
        strands      stage `report`: output field `headline` is new and has no default
                     stored outputs would no longer decode

        new version  stage `report`: output field `title` was removed
                     stored outputs would still decode
    "#]]);
    // A new field is harmless if it has a default.
    defaulted::reports(&expect![[r#"
        new version  stage `report`: output field `title` is new, and may be missing
                     stored outputs would still decode
    "#]]);
    no_longer_defaulted::reports(&expect![[r#"
        strands      stage `report`: output field `title` may no longer be missing
                     stored outputs may no longer decode
    "#]]);
}

edit!(config_required: (() -> {}) => ((#[config] max: usize) -> {}));
edit!(config_defaulted: (() -> {}) => ((#[config(default = 3)] max: usize) -> {}));
edit!(config_removed: ((#[config(default = 3)] max: usize) -> {}) => (() -> {}));
edit!(config_narrowed: ((#[config(default = 3)] max: u64) -> {}) => ((#[config(default = 3)] max: u8) -> {}));
edit!(config_widened: ((#[config(default = 3)] max: u8) -> {}) => ((#[config(default = 3)] max: u64) -> {}));

#[test]
fn of_a_configuration() {
    config_required::reports(&expect![[r#"
        strands      stage `report`: config field `max` is new and has no default
                     stored configurations would no longer decode
    "#]]);
    config_defaulted::reports(&expect![[r#"
        new version  stage `report`: config field `max` is new, and may be missing
                     stored configurations would still decode
    "#]]);
    // A configuration refuses unknown fields.
    config_removed::reports(&expect![[r#"
        strands      stage `report`: config field `max` was removed, and unknown fields are refused
                     stored configurations would no longer decode
    "#]]);
    config_narrowed::reports(&expect![[r#"
        strands      stage `report`: config field `max` changed from integer (uint64) to integer (uint8)
                     stored configurations may no longer decode
    "#]]);
    config_widened::reports(&expect![[r#"
        new version  stage `report`: config field `max` changed from integer (uint8) to integer (uint64)
                     stored configurations would still decode
    "#]]);
}

edit!(input_new: ((url: String) -> {}) => ((url: String, depth: usize) -> {}));
edit!(input_optional: ((url: String) -> {}) => ((url: Option<String>) -> {}));
edit!(input_mandatory: ((url: Option<String>) -> {}) => ((url: String) -> {}));
edit!(input_gone: ((url: String) -> {}) => (() -> {}));

#[test]
fn of_an_input() {
    input_new::reports(&expect![[r#"
        strands      input field `depth` is new and has no default
                     stored inputs would no longer decode
    "#]]);
    input_optional::reports(&expect![[r#"
        new version  input field `url` now allows null as well
                     stored inputs would still decode
    "#]]);
    input_mandatory::reports(&expect![[r#"
        strands      input field `url` no longer allows null
                     stored inputs may no longer decode
    "#]]);
    input_gone::reports(&expect![[r#"
        strands      input changed from object to null
                     stored inputs would no longer decode
    "#]]);
}
