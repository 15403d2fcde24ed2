//! When two requests are the same: canonical JSON, its hash, and what differs.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// One setting in which a stored run and a request differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where the setting stands, for example `grid.axes[0].count`.
    pub path: String,
    /// What the stored run has; `None` where it lacks the setting.
    pub stored: Option<Value>,
    /// What is asked for; `None` where the request lacks the setting.
    pub asked: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| match value {
            None => "not set".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => canonical(value),
        };
        let (stored, asked) = (show(&self.stored), show(&self.asked));
        write!(f, "{}: stored {stored}, asked {asked}", self.path)
    }
}

/// JSON in one form: no spaces, the keys of every object in the order of their bytes, numbers as
/// short as they can be. Equal values have equal texts.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (place, (key, value)) in entries.into_iter().enumerate() {
                separate(place, text);
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, value) in items.iter().enumerate() {
                separate(place, text);
                write_canonical(value, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn separate(place: usize, text: &mut String) {
    if place > 0 {
        text.push(',');
    }
}

/// The identity of settings: the SHA-256 of their [`canonical`] form, in hexadecimal.
///
/// ```
/// use landscape_storage::identity;
/// use serde_json::json;
/// let (a, b) = (json!({"seed": 1, "norm": "filter"}), json!({"norm": "filter", "seed": 1}));
/// assert_eq!(identity(&a), identity(&b));
/// assert_ne!(identity(&a), identity(&json!({"seed": 2, "norm": "filter"})));
/// ```
pub fn identity(settings: &Value) -> String {
    hex(&Sha256::digest(canonical(settings).as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every place in which two settings differ, in the order of the paths. Lists of different
/// lengths are compared as a whole.
pub fn differences(stored: &Value, asked: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(stored), Some(asked), &mut found);
    found
}

fn compare(path: &str, stored: Option<&Value>, asked: Option<&Value>, found: &mut Vec<Difference>) {
    match (stored, asked) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                compare(&join(path, key), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), Some(a), Some(b), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(Difference {
            path: path.to_owned(),
            stored: a.cloned(),
            asked: b.cloned(),
        }),
    }
}

fn join(path: &str, key: &str) -> String {
    match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    }
}

/// A number that no other call gives.
pub(crate) fn unique() -> String {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = time.map_or(0, |time| time.as_nanos());
    // Keyed with numbers that the system draws at random.
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new();
    let random = random.build_hasher().finish();
    let text = format!("{nanos}/{}/{count}/{random}", std::process::id());
    hex(&Sha256::digest(text.as_bytes())[..16])
}
