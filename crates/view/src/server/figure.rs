//! Figures as files.

use super::{Shared, keys, nothing, reading, refusal};
use crate::document;
use crate::guard::parameter;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use landscape_study::figures::{FigureKind, Look};

/// The files that a figure can be, by their endings, and what a browser calls them.
const FILES: [(&str, &str); 3] = [
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("pdf", "application/pdf"),
];

/// What is asked for, besides the runs.
struct Asked {
    kind: Option<FigureKind>,
    look: Look,
    file: (&'static str, &'static str),
}

impl Asked {
    /// Reads it from the query of an address: `kind`, `look` as JSON, `format`.
    fn of(query: &str) -> Result<Self, String> {
        let kind = match parameter(query, "kind") {
            Some(kind) => Some(
                kind.parse::<FigureKind>()
                    .map_err(|error| error.to_string())?,
            ),
            None => None,
        };
        let look = match parameter(query, "look") {
            Some(look) => serde_json::from_str(&look).map_err(|error| error.to_string())?,
            None => Look::default(),
        };
        let ending = parameter(query, "format").unwrap_or_else(|| "svg".to_owned());
        let file = FILES.into_iter().find(|(known, _)| *known == ending);
        let file = file.ok_or_else(|| format!("`{ending}` is none of svg, png and pdf"))?;
        Ok(Asked { kind, look, file })
    }
}

/// A figure of the runs that the query names, as `landscape plot` draws it.
pub async fn figure(State(app): Shared, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let keys = keys(&query);
    if keys.is_empty() {
        return nothing();
    }
    let Asked { kind, look, file } = match Asked::of(&query) {
        Ok(asked) => asked,
        Err(words) => return (StatusCode::BAD_REQUEST, format!("{words}\n")).into_response(),
    };
    reading(move || {
        let (ending, media) = file;
        match document::figure(&app.watch, &keys, kind, look, ending) {
            Ok(bytes) => ([(header::CONTENT_TYPE, media)], bytes).into_response(),
            Err(why) => refusal(why),
        }
    })
    .await
}
