//! Figures and pages of stored runs, in memory.

use crate::task::{self, json};
use landscape_plot::page::html;
use landscape_plot::{DEFAULT_DPI, Figure};
use landscape_storage::Store;
use landscape_study::StudyError;
use landscape_study::figures::{FigureKind, FigureRequest, Figures, Look, RunContents, page_of};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;

/// A figure of a run as the bytes of a file: `svg`, `png`, `pdf` or `tex`.
#[pyfunction]
#[pyo3(signature = (db, run, kind, look, format))]
pub fn figure<'py>(
    py: Python<'py>,
    db: PathBuf,
    run: &str,
    kind: Option<&str>,
    look: &str,
    format: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let look: Look = task::request(py, look)?;
    let kind: Option<FigureKind> = kind
        .map(|kind| task::request(py, &json(&kind)))
        .transpose()?;
    let bytes = task::quietly(py, || {
        let run = RunContents::load(&Store::open_read(&db)?, run)?;
        let figure = run.draw(kind.unwrap_or_else(|| run.usual_figure()), &look)?;
        coded(&figure, format, look.dpi.unwrap_or(DEFAULT_DPI))
    })?;
    Ok(PyBytes::new(py, &bytes))
}

fn coded(figure: &Figure, format: &str, dpi: f64) -> Result<Vec<u8>, StudyError> {
    Ok(match format {
        "png" => figure.to_png(dpi)?,
        "pdf" => figure.to_pdf()?,
        "tex" => figure.to_tex()?.into_bytes(),
        _ => figure.to_svg().into_bytes(),
    })
}

/// Writes figures, an animation or a page to a file, by its ending; gives the files that were written.
#[pyfunction]
#[pyo3(signature = (db, request))]
pub fn draw(py: Python<'_>, db: PathBuf, request: &str) -> PyResult<Vec<PathBuf>> {
    let request: FigureRequest = task::request(py, request)?;
    task::quietly(py, || {
        request.check()?;
        let figures = Figures::prepare(&request, &Store::open_read(&db)?)?;
        Ok(figures.run()?.files)
    })
}

/// The kinds of figures that a run has, the usual one first, each with a title, as JSON.
#[pyfunction]
#[pyo3(signature = (db, run))]
pub fn figures(py: Python<'_>, db: PathBuf, run: &str) -> PyResult<String> {
    let found = task::quietly(py, || {
        Ok(RunContents::load(&Store::open_read(&db)?, run)?.figures())
    })?;
    Ok(json(&found))
}

/// The interactive page of some runs.
#[pyfunction]
#[pyo3(signature = (db, runs, title, log))]
pub fn page(
    py: Python<'_>,
    db: PathBuf,
    runs: Vec<String>,
    title: Option<&str>,
    log: bool,
) -> PyResult<String> {
    task::quietly(py, || {
        let store = Store::open_read(&db)?;
        let load = |name: &String| {
            let mut run = RunContents::load(&store, name)?;
            run.diagnose(&store)?;
            Ok(run)
        };
        let runs = runs.iter().map(load);
        let runs: Vec<RunContents> = runs.collect::<Result<_, StudyError>>()?;
        let mut data = page_of(&runs, title)?;
        data.log = log;
        Ok(html(&data)?)
    })
}
