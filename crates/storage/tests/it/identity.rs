//! Canonical JSON, identities and what differs.

use landscape_storage::{canonical, differences, identity};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn canonical_json_sorts_keys_at_every_depth_and_keeps_lists() {
    let value = json!({"b": {"z": 1, "a": [3, 1, 2]}, "a": 0.1, "é\"": null});
    assert_eq!(
        canonical(&value),
        r#"{"a":0.1,"b":{"a":[3,1,2],"z":1},"é\"":null}"#
    );
}

#[test]
fn the_identity_is_the_hash_of_the_canonical_text() {
    // printf '{"seed":1}' | sha256sum
    assert_eq!(
        identity(&json!({"seed": 1})),
        "fbe47f6d82b435a89f6e6fca65ad16138195de06c5fc3ffb66826a76e64e479f"
    );
}

#[test]
fn differences_name_the_path() {
    let stored = json!({"grid": {"axes": [{"count": 51}, {"count": 31}]}, "seed": 1, "l2": 0.1});
    let asked = json!({"grid": {"axes": [{"count": 51}, {"count": 41}]}, "seed": 1, "l1": "x"});
    let words: Vec<String> = differences(&stored, &asked)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        words,
        [
            "grid.axes[1].count: stored 31, asked 41",
            "l1: stored not set, asked x",
            "l2: stored 0.1, asked not set",
        ]
    );
}

#[test]
fn lists_of_other_lengths_are_compared_whole() {
    let words = differences(&json!({"a": [1, 2]}), &json!({"a": [1]}));
    assert_eq!(words[0].to_string(), "a: stored [1,2], asked [1]");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300f64..1e300).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_json_means_the_same(value in any_json()) {
        let again: Value = serde_json::from_str(&canonical(&value)).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(canonical(&again), canonical(&value));
    }

    #[test]
    fn there_are_differences_exactly_where_identities_differ(a in any_json(), b in any_json()) {
        prop_assert!(differences(&a, &a).is_empty());
        prop_assert_eq!(differences(&a, &b).is_empty(), identity(&a) == identity(&b));
    }
}
