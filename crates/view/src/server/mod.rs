//! The addresses of the server.

mod events;
mod figure;

use crate::document::{self, Key, Outcome};
use crate::guard::{Guard, Shown, parameter, seal};
use crate::watch::Watch;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the server is asked whether it is to stop.
const ASK: Duration = Duration::from_millis(50);
/// How much longer than a look the pause after it is, so that looking takes a small part of a core.
const SPARE: u32 = 20;
/// The longest such pause, as on a machine that is busy.
const MOST: Duration = Duration::from_secs(3);
/// How long reading that has begun may keep the server from ending.
const END: Duration = Duration::from_millis(200);

/// What the server knows.
#[derive(Debug)]
pub struct App {
    pub watch: Watch,
    pub guard: Guard,
    /// How often the sources are looked at, at most.
    pub pause: Duration,
    /// The runs that are shown first; the list where there are none.
    pub first: Vec<Key>,
}

type Shared = State<Arc<App>>;

/// Answers requests until it is told to stop.
///
/// # Errors
/// What the system says where it cannot serve.
pub fn run(app: Arc<App>, listener: TcpListener, stop: &dyn Fn() -> bool) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(look(Arc::clone(&app)));
        let serving = tokio::spawn(axum::serve(listener, router(app)).into_future());
        while !stop() && !serving.is_finished() {
            tokio::time::sleep(ASK).await;
        }
        match serving.is_finished() {
            true => serving.await.map_err(io::Error::other)?,
            false => Ok(()),
        }
    });
    runtime.shutdown_timeout(END);
    done
}

/// Looks at the sources, again and again while somebody listens.
async fn look(app: Arc<App>) {
    loop {
        let begun = Instant::now();
        if app.watch.is_heard() {
            let app = Arc::clone(&app);
            let _ = tokio::task::spawn_blocking(move || app.watch.look()).await;
        }
        let spare = (begun.elapsed() * SPARE).min(MOST);
        tokio::time::sleep(app.pause.max(spare)).await;
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/run/{source}/{*name}", get(run_page))
        .route("/compare", get(compare))
        .route("/data", get(data))
        .route("/diagnoses", get(diagnoses))
        .route("/figure", get(figure::figure))
        .route("/events", get(events::events))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(|| async { nothing() })
        .layer(from_fn_with_state(Arc::clone(&app), guarded))
        .with_state(app)
}

/// Lets through what may ask.
async fn guarded(State(app): Shared, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let admitted = app.guard.admit(request.method(), query, request.headers());
    let mut answer = match admitted {
        Ok(_) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    seal(answer.headers_mut());
    let cookie = HeaderValue::from_str(&app.guard.cookie());
    if let (Ok(Shown::Address), Ok(cookie)) = (admitted, cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

/// The list; the address that was printed leads to what is shown first.
async fn list(State(app): Shared, RawQuery(query): RawQuery) -> Response {
    let printed = query.is_some_and(|query| parameter(&query, "token").is_some());
    if printed && !app.first.is_empty() {
        let address = document::address(&app.first);
        let joint = if address.contains('?') { '&' } else { '?' };
        let token = app.guard.token();
        return Redirect::to(&format!("{address}{joint}token={token}")).into_response();
    }
    reading(move || {
        app.watch.look();
        Html(document::list(&app.watch.listing())).into_response()
    })
    .await
}

async fn run_page(State(app): Shared, Path((source, name)): Path<(String, String)>) -> Response {
    match source.parse() {
        Ok(source) => page(app, vec![(source, name)]).await,
        Err(_) => nothing(),
    }
}

async fn compare(State(app): Shared, RawQuery(query): RawQuery) -> Response {
    page(app, keys(&query.unwrap_or_default())).await
}

async fn page(app: Arc<App>, keys: Vec<Key>) -> Response {
    if keys.is_empty()
        || keys
            .iter()
            .any(|(place, _)| *place >= app.watch.sources().len())
    {
        return nothing();
    }
    reading(move || {
        let (outcome, html) = document::runs(&app.watch, &keys);
        (status(outcome), Html(html)).into_response()
    })
    .await
}

async fn data(State(app): Shared, RawQuery(query): RawQuery) -> Response {
    let keys = keys(&query.unwrap_or_default());
    if keys.is_empty() {
        return nothing();
    }
    reading(move || json(document::fresh(&app.watch, &keys))).await
}

async fn diagnoses(State(app): Shared, RawQuery(query): RawQuery) -> Response {
    let keys = keys(&query.unwrap_or_default());
    if keys.is_empty() {
        return nothing();
    }
    reading(move || json(document::diagnoses(&app.watch, &keys))).await
}

fn json(made: Result<String, (Outcome, String)>) -> Response {
    match made {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(why) => refusal(why),
    }
}

/// The answer where what was asked for cannot be made, and why.
fn refusal((outcome, words): (Outcome, String)) -> Response {
    let status = match outcome {
        Outcome::Shown => StatusCode::UNPROCESSABLE_ENTITY,
        outcome => status(outcome),
    };
    (status, words).into_response()
}

/// What reads files and databases, on a thread that may wait.
async fn reading(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    let failed = |_| {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the page could not be made\n",
        )
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| failed(error).into_response())
}

/// The runs that the query of an address names.
fn keys(query: &str) -> Vec<Key> {
    let named = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "run");
    let key = |(_, value): (_, std::borrow::Cow<'_, str>)| {
        let (source, name) = value.split_once('/')?;
        Some((source.parse().ok()?, name.to_owned()))
    };
    named.filter_map(key).collect()
}

fn status(outcome: Outcome) -> StatusCode {
    match outcome {
        Outcome::Shown => StatusCode::OK,
        Outcome::Missing => StatusCode::NOT_FOUND,
        Outcome::Later => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response()
}
