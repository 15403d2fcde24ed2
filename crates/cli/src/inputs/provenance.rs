use serde_json::{Map, Value, json};

/// What does not change the numbers, but tells where they come from: the version, the command, the
/// machine, and what the command adds.
pub fn provenance(command: &str, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut all = Map::new();
    all.insert("program".to_owned(), json!("landscape"));
    all.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    all.insert("command".to_owned(), json!(command));
    let system = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    all.insert("system".to_owned(), json!(system));
    let more = more.into_iter().filter(|(_, value)| !value.is_null());
    all.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(all)
}
