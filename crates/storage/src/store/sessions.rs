//! Which sessions contributed to a run: a run may go on with another version of the program or on
//! another device, and its provenance then names all of them.

use crate::error::Error;
use crate::run::Run;
use duckdb::{Connection, params};
use serde_json::{Map, Value, json};

/// What is told of a run in one word, and so lists all that contributed.
const WORDS: &[&str] = &["device", "version", "system"];
/// What may differ between sessions that are one.
const COMMAND: &str = "command";
const SESSIONS: &str = "sessions";
const POINTS: &str = "points";

/// Notes in the provenance of a run that results of another session follow. A run of one session keeps
/// its provenance as it is; with several, `sessions` has that of each with the number of `points` that
/// it stored, and its words on device, version and system are those of all.
pub(super) fn add(conn: &Connection, run: &Run, session: &Value) -> Result<(), Error> {
    let (Value::Object(stored), Value::Object(new)) = (provenance(conn, run)?, session) else {
        return Ok(());
    };
    let points = count_of(conn, run)?;
    let mut all = sessions(&stored);
    close(&mut all, points);
    all.retain(|one| one.get(POINTS) != Some(&json!(0)));
    if let Some(last) = all.last()
        && alike(last, new)
    {
        return Ok(());
    }
    all.push(new.clone());
    put(conn, run, &merged(all))
}

/// Counts what the last session stored; nothing to do for runs of one session.
pub(super) fn count(conn: &Connection, run: &Run) -> Result<(), Error> {
    let Value::Object(stored) = provenance(conn, run)? else {
        return Ok(());
    };
    if !stored.contains_key(SESSIONS) {
        return Ok(());
    }
    let mut all = sessions(&stored);
    close(&mut all, count_of(conn, run)?);
    put(conn, run, &merged(all))
}

fn provenance(conn: &Connection, run: &Run) -> Result<Value, Error> {
    let text: String = conn.query_row(
        "SELECT provenance::VARCHAR FROM runs WHERE run_id = ?",
        params![run.id],
        |row| row.get(0),
    )?;
    serde_json::from_str(&text)
        .map_err(|error| Error::damaged(format!("provenance of a run: {error}")))
}

/// Points that are measured, be it losses or curvature; nothing without a grid.
fn count_of(conn: &Connection, run: &Run) -> Result<Option<u64>, Error> {
    let count = |query: &str| -> Result<u64, Error> {
        Ok(conn.query_row(query, params![run.id], |row| row.get(0))?)
    };
    if count("SELECT count(*) FROM axes WHERE run_id = ?")? == 0 {
        return Ok(None);
    }
    let losses = count("SELECT count(*) FROM points WHERE run_id = ? AND NOT interpolated")?;
    Ok(Some(
        losses + count("SELECT count(*) FROM curvature_points WHERE run_id = ?")?,
    ))
}

fn put(conn: &Connection, run: &Run, provenance: &Value) -> Result<(), Error> {
    conn.execute(
        "UPDATE runs SET provenance = ? WHERE run_id = ?",
        params![provenance.to_string(), run.id],
    )?;
    Ok(())
}

/// The sessions so far, each with what it stored.
fn sessions(stored: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let listed = stored.get(SESSIONS).and_then(Value::as_array);
    match listed {
        Some(listed) => { listed.iter() }
            .filter_map(|one| one.as_object().cloned())
            .collect(),
        None => vec![stored.clone()],
    }
}

/// Counts the points of the last session: those that are in no other. Nothing without a grid.
fn close(all: &mut [Map<String, Value>], points: Option<u64>) {
    let (Some(points), Some((last, before))) = (points, all.split_last_mut()) else {
        return;
    };
    let of = |one: &Map<String, Value>| one.get(POINTS).and_then(Value::as_u64).unwrap_or(0);
    let others: u64 = before.iter().map(of).sum();
    last.insert(POINTS.to_owned(), json!(points.saturating_sub(others)));
}

fn alike(stored: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let facts = |one: &Map<String, Value>| -> Map<String, Value> {
        let mut facts = one.clone();
        facts.retain(|key, _| key != POINTS && key != COMMAND);
        facts
    };
    facts(stored) == facts(new)
}

/// The provenance of a run of these sessions.
fn merged(mut all: Vec<Map<String, Value>>) -> Value {
    if let [one] = &mut all[..] {
        one.remove(POINTS);
        return Value::Object(one.clone());
    }
    let Some(mut merged) = all.first().cloned() else {
        return json!({});
    };
    merged.remove(POINTS);
    for key in WORDS {
        let mut words: Vec<&str> = Vec::new();
        for word in all.iter().filter_map(|one| one.get(*key)?.as_str()) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if words.len() > 1 {
            merged.insert((*key).to_owned(), json!(words.join(", ")));
        }
    }
    merged.insert(SESSIONS.to_owned(), json!(all));
    Value::Object(merged)
}
