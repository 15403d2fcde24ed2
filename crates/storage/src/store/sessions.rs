//! Which sessions contributed to a run: a run may go on with another version of the program, on another device
//! or another machine. Each is a row of `contributions`; the provenance of the run names all of them.

use super::merge::Contribution;
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{Run, from_micros, moment};
use duckdb::params;
use landscape_core::{DeviceShare, Shards};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::env;
use std::fs;
use std::time::SystemTime;

/// What is told of a run in one word, and so lists all that contributed.
const WORDS: &[&str] = &["device", "version", "system"];
/// What may differ between sessions that are one.
const COMMAND: &str = "command";
const SESSIONS: &str = "sessions";
const POINTS: &str = "points";
/// Which of several devices computed how much.
const DEVICES: &str = "devices";
/// The shard that a session computed, or several shards in one word.
const SHARD: &str = "shard";

/// A row of `contributions`.
#[derive(Debug, Clone)]
pub(super) struct Session {
    host: Option<String>,
    begun: Option<SystemTime>,
    points: Option<u64>,
    provenance: Value,
}

impl Session {
    /// One that begins now and here.
    fn new(provenance: &Value) -> Self {
        Session {
            host: host(),
            begun: Some(SystemTime::now()),
            points: None,
            provenance: provenance.clone(),
        }
    }

    /// Host and device, in words.
    pub(super) fn place(&self) -> String {
        let known = [self.host.as_deref(), self.word("device")];
        let known: Vec<&str> = known.into_iter().flatten().collect();
        known.join(", ")
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.provenance.get(key)?.as_str()
    }

    /// Its provenance with its points.
    fn told(&self) -> Value {
        let mut told = self.provenance.clone();
        if let (Value::Object(told), Some(points)) = (&mut told, self.points) {
            told.insert(POINTS.to_owned(), json!(points));
        }
        told
    }

    /// Whether one that begins now and here is the same: on this machine, of this provenance.
    fn goes_on(&self, new: &Map<String, Value>) -> bool {
        let here = self.host.is_none() || self.host == host();
        here && { self.provenance.as_object() }.is_some_and(|own| alike(own, new))
    }

    /// The shards that it computed.
    fn shards(&self) -> Option<Shards> {
        self.word(SHARD)?.parse().ok()
    }

    /// What each of its devices computed, where there were several.
    fn devices(&self) -> Vec<DeviceShare> {
        let devices = self.provenance.get(DEVICES);
        let read = devices.and_then(|devices| Vec::deserialize(devices).ok());
        read.unwrap_or_default()
    }

    fn add_devices(&mut self, more: &[DeviceShare]) {
        let mut all = self.devices();
        DeviceShare::add(&mut all, more);
        if let (Value::Object(told), false) = (&mut self.provenance, all.is_empty()) {
            told.insert(DEVICES.to_owned(), json!(all));
        }
    }

    /// Takes in another one where nothing but the shard tells them apart.
    fn with(&mut self, other: &Session) -> bool {
        let facts = |one: &Session| {
            let mut facts = one.provenance.as_object().cloned().unwrap_or_default();
            facts.retain(|key, _| key != SHARD);
            facts
        };
        let (Some(mut own), Some(theirs)) = (self.shards(), other.shards()) else {
            return false;
        };
        if !alike(&facts(self), &facts(other)) {
            return false;
        }
        own.extend(&theirs);
        self.provenance[SHARD] = json!(own.to_string());
        self.add_devices(&other.devices());
        self.points = self
            .points
            .zip(other.points)
            .map(|(a, b)| a.saturating_add(b));
        true
    }
}

/// What this machine is called, where it says so: [`Contribution::host`] of what is computed here.
pub fn host() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| env::var("HOSTNAME").ok());
    let name = name.or_else(|| env::var("COMPUTERNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Notes the session that begins a run.
pub(super) fn begin(conn: &Connection, run: i64, provenance: &Value) -> Result<(), Error> {
    put(conn, run, &[Session::new(provenance)])
}

/// Notes a session that results follow of, where it is not the last one. The provenance of a run of one session is
/// that session's; with several, `sessions` has that of each with the number of `points` that it stored, and its
/// words on device, version and system are those of all.
pub(super) fn add(conn: &Connection, run: &Run, session: &Value) -> Result<(), Error> {
    let Value::Object(new) = session else {
        return Ok(());
    };
    let mut all = load(conn, run.id)?;
    close(&mut all, count_of(conn, run)?);
    if all.last().is_some_and(|last| last.goes_on(new)) {
        return Ok(());
    }
    all.retain(|one| one.points != Some(0));
    if all.last().is_none_or(|last| !last.goes_on(new)) {
        all.push(Session::new(session));
    }
    put(conn, run.id, &all)?;
    tell(conn, run.id, &all)
}

/// Counts what the last session stored.
pub(super) fn count(conn: &Connection, run: &Run) -> Result<(), Error> {
    let mut all = load(conn, run.id)?;
    let Some(last) = all.last().map(|last| last.points) else {
        return Ok(());
    };
    close(&mut all, count_of(conn, run)?);
    if all.last().map(|last| last.points) == Some(last) {
        return Ok(());
    }
    put(conn, run.id, &all)?;
    match all.len() {
        0 | 1 => Ok(()),
        _ => tell(conn, run.id, &all),
    }
}

/// Adds what each of several devices computed to the last session.
pub(super) fn add_devices(
    conn: &Connection,
    run: &Run,
    shares: &[DeviceShare],
) -> Result<(), Error> {
    let mut all = load(conn, run.id)?;
    let Some(last) = all.last_mut() else {
        return Ok(());
    };
    last.add_devices(shares);
    put(conn, run.id, &all)?;
    tell(conn, run.id, &all)
}

fn load(conn: &Connection, run: i64) -> Result<Vec<Session>, Error> {
    of_source(conn, "contributions", run)
}

/// The sessions of a run, from the table or what stands in for it.
pub(super) fn of_source(
    conn: &duckdb::Connection,
    table: &str,
    run: i64,
) -> Result<Vec<Session>, Error> {
    let mut statement = conn.prepare(&format!(
        "SELECT host, epoch_us(begun), points, provenance::VARCHAR
         FROM {table} WHERE run_id = ? ORDER BY ordinal"
    ))?;
    let mut rows = statement.query(params![run])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let provenance: String = row.get(3)?;
        let provenance = serde_json::from_str(&provenance)
            .map_err(|error| Error::damaged(format!("provenance of a session: {error}")))?;
        all.push(Session {
            host: row.get(0)?,
            begun: row.get::<_, Option<i64>>(1)?.map(from_micros),
            points: row.get(2)?,
            provenance,
        });
    }
    Ok(all)
}

/// The sessions of a run as they are told.
pub(super) fn contributions(conn: &Connection, run: i64) -> Result<Vec<Contribution>, Error> {
    let told = |one: Session| Contribution {
        device: one.word("device").map(str::to_owned),
        version: one.word("version").map(str::to_owned),
        shard: one.word(SHARD).map(str::to_owned),
        host: one.host,
        begun: one.begun,
        points: one.points,
    };
    Ok(load(conn, run)?.into_iter().map(told).collect())
}

/// Adds the sessions of other databases that new points are from, and counts these: `added` has as many of each. Sessions
/// that are known already are counted on.
pub(super) fn combine(
    conn: &Connection,
    run: &Run,
    others: &[Vec<Session>],
    added: &[usize],
) -> Result<(), Error> {
    let mut all = load(conn, run.id)?;
    let mut is_new = false;
    for (theirs, &added) in others.iter().zip(added) {
        let mut left = added as u64;
        for (place, one) in theirs.iter().enumerate() {
            let share = match place + 1 == theirs.len() {
                true => left,
                false => one.points.unwrap_or(0).min(left),
            };
            left -= share;
            is_new |= take(&mut all, one, share);
        }
    }
    match is_new {
        false => Ok(()),
        true => {
            put(conn, run.id, &all)?;
            tell(conn, run.id, &all)
        }
    }
}

/// Counts points of a session of another database; says whether anything is new.
fn take(all: &mut Vec<Session>, theirs: &Session, share: u64) -> bool {
    let facts = |one: &Session| {
        let mut facts = one.provenance.clone();
        facts.as_object_mut().map(|facts| facts.remove(DEVICES));
        facts
    };
    let same = |one: &&mut Session| {
        one.host == theirs.host && one.begun == theirs.begun && facts(one) == facts(theirs)
    };
    match all.iter_mut().find(same) {
        Some(known) => {
            known.provenance.clone_from(&theirs.provenance);
            known.points = known.points.map(|points| points + share);
            share > 0
        }
        None if share == 0 && theirs.points.is_some() => false,
        None => {
            let points = theirs.points.map(|_| share);
            all.push(Session {
                points,
                ..theirs.clone()
            });
            true
        }
    }
}

fn put(conn: &Connection, run: i64, all: &[Session]) -> Result<(), Error> {
    conn.execute("DELETE FROM contributions WHERE run_id = ?", params![run])?;
    let mut statement = conn.prepare(
        "INSERT INTO contributions (run_id, ordinal, host, device, version, begun, points, provenance)
         VALUES (?, ?, ?, ?, ?, ?::VARCHAR::TIMESTAMPTZ, ?, ?)",
    )?;
    for (ordinal, one) in (0i32..).zip(all) {
        statement.execute(params![
            run,
            ordinal,
            one.host,
            one.word("device"),
            one.word("version"),
            one.begun.map(moment),
            one.points,
            one.provenance.to_string(),
        ])?;
    }
    Ok(())
}

/// Puts what all sessions say of the run into its row.
fn tell(conn: &Connection, run: i64, all: &[Session]) -> Result<(), Error> {
    conn.execute(
        "UPDATE runs SET provenance = ? WHERE run_id = ?",
        params![merged(all).to_string(), run],
    )?;
    Ok(())
}

/// Points that are measured, be it losses or curvature; nothing without a grid.
fn count_of(conn: &Connection, run: &Run) -> Result<Option<u64>, Error> {
    if !super::runs::any(conn, "axes WHERE run_id = ?", params![run.id])? {
        return Ok(None);
    }
    let count = |query: &str| -> Result<u64, Error> {
        Ok(conn.query_row(query, params![run.id], |row| row.get(0))?)
    };
    let losses = count("SELECT count(*) FROM points WHERE run_id = ? AND NOT interpolated")?;
    Ok(Some(
        losses + count("SELECT count(*) FROM curvature_points WHERE run_id = ?")?,
    ))
}

/// Counts the points of the last session: those that are in no other. Nothing without a grid.
fn close(all: &mut [Session], points: Option<u64>) {
    let (Some(points), Some((last, before))) = (points, all.split_last_mut()) else {
        return;
    };
    let others: u64 = before.iter().filter_map(|one| one.points).sum();
    last.points = Some(points.saturating_sub(others));
}

fn alike(stored: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let facts = |one: &Map<String, Value>| -> Map<String, Value> {
        let mut facts = one.clone();
        facts.retain(|key, _| key != POINTS && key != COMMAND && key != DEVICES);
        facts
    };
    facts(stored) == facts(new)
}

/// The provenance of a run of these sessions.
fn merged(all: &[Session]) -> Value {
    let [first, _, ..] = all else {
        return { all.first() }.map_or_else(|| json!({}), |one| one.provenance.clone());
    };
    let Value::Object(mut merged) = first.provenance.clone() else {
        return first.provenance.clone();
    };
    for key in WORDS {
        let mut words: Vec<&str> = Vec::new();
        for word in all.iter().filter_map(|one| one.word(key)) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if words.len() > 1 {
            merged.insert((*key).to_owned(), json!(words.join(", ")));
        }
    }
    let shards: Option<Vec<Shards>> = all.iter().map(Session::shards).collect();
    let shards = shards.map(|all| {
        all.iter().fold(Shards::default(), |mut sum, one| {
            sum.extend(one);
            sum
        })
    });
    match shards {
        Some(shards) => merged.insert(SHARD.to_owned(), json!(shards.to_string())),
        // What is stored is no longer shards alone.
        None => merged.remove(SHARD),
    };
    let mut told: Vec<Session> = Vec::new();
    for one in all {
        if !told.iter_mut().any(|known| known.with(one)) {
            told.push(one.clone());
        }
    }
    let told: Vec<Value> = told.iter().map(Session::told).collect();
    merged.insert(SESSIONS.to_owned(), json!(told));
    // Those of each session stand there.
    merged.remove(DEVICES);
    Value::Object(merged)
}
