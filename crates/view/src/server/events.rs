//! Streams of what changed.

use super::{App, Shared, keys};
use crate::document::Key;
use crate::guard::parameter;
use crate::watch::{Change, Told};
use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

type Heard = Receiver<Arc<Change>>;

/// Of some runs how they are, whenever that changes; without names, every change of the list.
pub async fn events(State(app): Shared, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let alive = KeepAlive::default();
    match keys(&query) {
        keys if keys.is_empty() => {
            let since = parameter(&query, "since").and_then(|clock| clock.parse().ok());
            Sse::new(changes(app, since))
                .keep_alive(alive)
                .into_response()
        }
        keys => Sse::new(told(app, keys)).keep_alive(alive).into_response(),
    }
}

fn event(name: &str, data: &impl Serialize) -> Result<Event, Infallible> {
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    Ok(Event::default().event(name).data(json))
}

/// The whole list, unless the listener has it as it is, and then every change of it.
fn changes(
    app: Arc<App>,
    since: Option<u64>,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let heard = app.watch.listen();
    let whole = since != Some(app.watch.clock());
    unfold(
        (app, heard, whole),
        |(app, mut heard, whole): (Arc<App>, Heard, bool)| async move {
            let change = match whole {
                true => None,
                false => match heard.recv().await {
                    Ok(change) => Some(change),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return None,
                },
            };
            let event = match change {
                Some(change) => event("change", &*change),
                None => event("listing", &app.watch.listing()),
            };
            Some((event, (app, heard, false)))
        },
    )
}

/// How some runs are, at once and whenever that changes.
fn told(app: Arc<App>, keys: Vec<Key>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let heard = app.watch.listen();
    unfold(
        (app, heard, keys, None),
        |(app, mut heard, keys, last): (Arc<App>, Heard, Vec<Key>, Option<Told>)| async move {
            loop {
                let now = app.watch.told(&keys);
                if last.as_ref() != Some(&now) {
                    let event = event("told", &now);
                    return Some((event, (app, heard, keys, Some(now))));
                }
                if let Err(RecvError::Closed) = heard.recv().await {
                    return None;
                }
            }
        },
    )
}
