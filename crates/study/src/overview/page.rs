//! The page.

use super::html::{Cell, Pictures, commands, list, pairs, paragraph, part, remark, section, table};
use super::planes::{FIGURES, PlaneFigures};
use super::{Gathered, Overview};
use crate::StudyError;
use crate::command::Typed;
use crate::diagnose::DiagnosisReport;
use crate::figures::{FigureKind, Look, RunContents, panels_of};
use crate::hessian::{CurvatureSummary, EigenvalueSummary};
use crate::metrics::metric_rows;
use crate::words::{or_dash, percent, plain};
use landscape_core::diagnosis::Answer;
use landscape_core::{Diagnosis, metrics, short};
use landscape_plot::page::escape;
use landscape_storage::timestamp;
use std::fmt::Display;
use std::path::Path;

const STYLE: &str = include_str!("../../assets/overview.css");

/// The most planes in one figure.
const PANELS: usize = 6;

/// The page as one HTML document that loads nothing.
///
/// # Errors
/// Those of figures.
pub(super) fn html(gathered: &Gathered, db: &Path) -> Result<String, StudyError> {
    let page = Page {
        gathered,
        overview: &gathered.overview,
        db,
    };
    let mut pictures = Pictures::default();
    let body = [
        page.short(),
        page.checks(),
        page.shown(&mut pictures)?,
        page.planes(&mut pictures)?,
        page.curvature(&mut pictures)?,
        page.diagnosis(),
        page.missing(),
        page.provenance(),
    ];
    let title = escape(&page.overview.run);
    let about = escape(&page.overview.about());
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <title>{title}: report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<p>{about}</p>\n</header>\n<main>\n{}</main>\n</body>\n</html>\n",
        body.concat()
    ))
}

struct Page<'a> {
    gathered: &'a Gathered,
    overview: &'a Overview,
    db: &'a Path,
}

impl Page<'_> {
    /// The answers, before what they rest on.
    fn short(&self) -> String {
        let found = self.overview;
        let [holds, fails, open] = found.tally();
        let mut tiles = Vec::new();
        if let Some(own) = &found.own {
            tiles.push(("Loss".to_owned(), short(own.loss)));
            tiles.extend(
                own.accuracy
                    .map(|share| ("Accuracy".to_owned(), percent(share))),
            );
        }
        let of = |n: usize, what: &str| (what.to_owned(), n.to_string());
        tiles.push(of(holds, "Checks that hold"));
        tiles.push(of(fails, "Checks that do not"));
        tiles.push(of(open, "Not checked"));
        let told = found.diagnoses.iter().flat_map(|told| {
            let answers = &told.answers;
            let name = |what: &str| match found.diagnoses.len() {
                1 => what.to_owned(),
                _ => format!("{what} ({})", told.path),
            };
            [
                (name("To train"), answers.difficulty.verdict.to_string()),
                (name("Where it stands"), answers.outlook.verdict.to_string()),
                (name("Training"), answers.course.verdict.to_string()),
            ]
        });
        tiles.extend(told);
        let own = found
            .own
            .as_ref()
            .map(|own| remark(&format!("Of the network itself: {own}.")));
        let body =
            pairs("tiles", &tiles) + &own.unwrap_or_default() + &list("warnings", &found.warnings);
        section("short", "In short", &body)
    }

    fn checks(&self) -> String {
        let rows = self.overview.checks.iter().map(|check| {
            let [name, found, apart, allowed, holds] = check.cells();
            vec![
                Cell::words(name),
                Cell::words(found),
                Cell::number(apart),
                Cell::number(allowed),
                Cell::mark(holds, check.holds),
            ]
        });
        let header = ["check", "found", "apart", "allowed", "holds"];
        let body = paragraph(&self.overview.verdict()) + &table(&header, &rows.collect::<Vec<_>>());
        section("checks", "Is it right?", &body)
    }

    /// The figures of the run itself.
    fn shown(&self, pictures: &mut Pictures) -> Result<String, StudyError> {
        let own = &self.gathered.own;
        let of_curvature = [FigureKind::Spectrum, FigureKind::Sharpness];
        let left_out = [FigureKind::Heatmap, FigureKind::Persistence];
        let kinds = own.figures().into_iter().map(|figure| figure.kind);
        // A path over contours shows the contours.
        let over = own.has_figure(FigureKind::Trajectory);
        let is_elsewhere = |kind: &FigureKind| {
            left_out.contains(kind)
                || of_curvature.contains(kind)
                || (over && *kind == FigureKind::Contour)
        };
        let kinds = kinds.filter(|kind| !is_elsewhere(kind));
        let mut body = String::new();
        let mut typed = Vec::new();
        for kind in kinds {
            let look = Look {
                log: own.hidden_detail(kind).is_some_and(|hidden| hidden.log),
                ..Look::default()
            };
            // A run with several paths has no surface with one path.
            let Ok(figure) = own.draw(kind, &look) else {
                continue;
            };
            let log = if look.log {
                ", on a logarithmic scale"
            } else {
                ""
            };
            body += &pictures.figure(&figure, &format!("{}{log}", kind.title()));
            typed.push(self.drawn(kind, look.log));
        }
        let body = format!("<div class=\"figures\">\n{body}</div>\n") + &self.metrics(&mut typed);
        Ok(match typed.is_empty() {
            true => String::new(),
            false => section("shown", "What it shows", &(body + &commands(&typed))),
        })
    }

    fn metrics(&self, typed: &mut Vec<String>) -> String {
        let own = &self.gathered.own;
        let found = own.surface.as_ref().and_then(|surface| {
            let found = metrics(surface).ok()?;
            Some(metric_rows(&found, surface.grid()))
        });
        let Some(rows) = found else {
            return String::new();
        };
        typed.push(self.about("metrics"));
        part("Figures of the landscape", &pairs("pairs", &rows))
    }

    /// Planes of several seeds, and the range that suits them.
    fn planes(&self, pictures: &mut Pictures) -> Result<String, StudyError> {
        let planes = &self.overview.planes;
        if planes.is_empty() {
            return Ok(String::new());
        }
        let mut body = paragraph(&self.overview.planes_words());
        if planes.len() > 1 {
            let shown = &self.gathered.siblings.random[..planes.len().min(PANELS)];
            let figure = panels_of(shown, &Look::default())?;
            let caption = "Planes along random directions, on one scale of colours";
            body += &pictures.figure(&figure, caption);
        }
        body += &self.plane_table();
        if let Some(range) = &self.overview.range {
            let sentence = range.words();
            let mut words = vec![format!("Random directions: {sentence}.")];
            if let [first, second] = range.eigenvectors[..] {
                words.push(format!(
                    "Unit eigenvectors of the two largest eigenvalues: ±{} and ±{}, where their parabolas rise as far as \
                     the random planes do.",
                    plain(first),
                    plain(second)
                ));
            }
            body += &part("A range that suits", &list("plain", &words));
        }
        body += &self.made_by(self.gathered.siblings.random.iter());
        Ok(section("planes", "Does another plane say the same?", &body))
    }

    fn plane_table(&self) -> String {
        let found = self.overview;
        let mut header = vec!["plane".to_owned(), "seed".to_owned()];
        header.extend(FIGURES.iter().map(|(name, ..)| name.replace('_', " ")));
        let mut rows: Vec<Vec<Cell>> = found.planes.iter().map(plane_row).collect();
        if found.planes.len() > 1 {
            for (name, place) in [("mean", 1), ("standard deviation", 2)] {
                let mut row = vec![Cell::words(name), Cell::words("")];
                row.extend(FIGURES.iter().map(|(figure, ..)| {
                    let spread = found.spread.iter().find(|spread| spread.figure == *figure);
                    Cell::number(spread.map_or("-".to_owned(), |s| s.cells()[place].clone()))
                }));
                rows.push(row);
            }
        }
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        table(&header, &rows)
    }

    /// The spectrum, single eigenvalues, and the plane along eigenvectors.
    fn curvature(&self, pictures: &mut Pictures) -> Result<String, StudyError> {
        let siblings = &self.gathered.siblings;
        let mut body = String::new();
        if let (Some(run), Some(found)) = (&siblings.curvature, &self.overview.curvature) {
            if run.has_figure(FigureKind::Spectrum) {
                let figure = run.draw(FigureKind::Spectrum, &Look::default())?;
                body += &pictures.figure(&figure, "Spectrum of the Hessian");
            }
            body += &curvature_tables(found);
        }
        if let Some(run) = siblings
            .eigenplane
            .as_ref()
            .filter(|run| run.surface.is_some())
        {
            let figure = run.draw(FigureKind::Contour, &Look::default())?;
            let caption = format!(
                "`{}`: the plane along eigenvectors of the Hessian",
                run.run.name
            );
            body += &pictures.figure(&figure, &caption);
        }
        if body.is_empty() {
            return Ok(body);
        }
        body += &self.made_by(siblings.curvature.iter().chain(&siblings.eigenplane));
        Ok(section("curvature", "How curved is it?", &body))
    }

    /// A command that reads the run: `show`, `metrics`, `diagnose`.
    fn about(&self, command: &str) -> String {
        let typed = Typed::new(command).name(&self.overview.run);
        typed.db(self.db, false).to_string()
    }

    /// The command that draws the run.
    fn drawn(&self, kind: FigureKind, log: bool) -> String {
        let typed = Typed::figure(&self.overview.run, kind, log);
        typed.db(self.db, false).to_string()
    }

    /// The commands that made runs.
    fn made_by<'r>(&self, runs: impl Iterator<Item = &'r RunContents>) -> String {
        let typed = runs.filter_map(|run| self.overview.commands.get(&run.run.name).cloned());
        commands(&typed.collect::<Vec<_>>())
    }

    fn diagnosis(&self) -> String {
        let all = &self.overview.diagnoses;
        if all.is_empty() {
            return String::new();
        }
        let told: String = all.iter().map(diagnosis).collect();
        let typed = self.about("diagnose");
        section(
            "diagnosis",
            "What does it say?",
            &(told + &commands(&[typed])),
        )
    }

    fn missing(&self) -> String {
        let missing = &self.overview.missing;
        if missing.is_empty() {
            return String::new();
        }
        let item = |part: &super::MissingPart| match &part.why {
            Some(why) => format!("{}: {why}", part.what),
            None => part.what.clone(),
        };
        let items: Vec<String> = missing.iter().map(item).collect();
        let typed: Vec<String> = missing
            .iter()
            .filter_map(|part| part.command.clone())
            .collect();
        let how = match typed.is_empty() {
            true => String::new(),
            false => remark("These commands add it; the page made again has it."),
        };
        let body = list("plain", &items) + &how + &commands(&typed);
        section(
            "missing",
            "What is left out, because it is not stored",
            &body,
        )
    }

    fn provenance(&self) -> String {
        let summary = &self.overview.details.summary;
        let run = &summary.run;
        let mut facts = vec![
            (
                "run".to_owned(),
                format!("{} (number {})", run.name, run.id),
            ),
            ("holds".to_owned(), crate::list::holdings(summary)),
            ("created".to_owned(), timestamp(run.created)),
        ];
        facts.extend(
            run.finished
                .map(|at| ("finished".to_owned(), timestamp(at))),
        );
        facts.push(("identity".to_owned(), run.identity.clone()));
        let mut body = pairs("pairs", &facts);
        for (heading, value) in [
            ("Settings, which determine the numbers", &run.settings),
            ("Where it was computed", &run.provenance),
        ] {
            let lines = crate::details::flat(value);
            body += &part(heading, &pairs("pairs", &lines));
        }
        if let Some(command) = self.overview.commands.get(&run.name) {
            body += &part(
                "The command that made it",
                &commands(std::slice::from_ref(command)),
            );
        }
        let show = self.about("show");
        section(
            "provenance",
            "Where it comes from",
            &(body + &commands(&[show])),
        )
    }
}

fn plane_row(plane: &PlaneFigures) -> Vec<Cell> {
    let seed = plane.seed.map_or("-".to_owned(), |seed| seed.to_string());
    let mut row = vec![Cell::words(&plane.run), Cell::number(seed)];
    row.extend(FIGURES.iter().map(|&(_, of, is_share)| {
        let value = plane.metrics.as_ref().and_then(of);
        Cell::number(match (value, is_share) {
            (Some(share), true) => percent(share),
            (value, _) => or_dash(value),
        })
    }));
    row
}

fn curvature_tables(found: &CurvatureSummary) -> String {
    let known = [
        ("parameters", Some(found.parameters.to_string())),
        ("loss", found.loss.map(short)),
        ("gradient norm", found.gradient_norm.map(short)),
        ("limit of stability", found.stability_limit.map(short)),
        ("trace", found.trace.as_ref().map(ToString::to_string)),
        ("density", found.density.as_ref().map(ToString::to_string)),
    ];
    let facts = known.into_iter();
    let facts = facts.filter_map(|(name, words)| Some((name.to_owned(), words?)));
    let mut rows = Vec::new();
    for (end, values) in [("largest", &found.eigenvalues), ("smallest", &found.bottom)] {
        rows.extend(
            values
                .iter()
                .enumerate()
                .map(|(k, value)| eigenvalue_row(end, k, value)),
        );
    }
    let eigenvalues = match rows.is_empty() {
        true => String::new(),
        false => table(&["end", "#", "eigenvalue", "residual", "converged"], &rows),
    };
    pairs("pairs", &facts.collect::<Vec<_>>()) + &eigenvalues
}

fn eigenvalue_row(end: &str, place: usize, found: &EigenvalueSummary) -> Vec<Cell> {
    let converged = if found.converged { "yes" } else { "NO" };
    vec![
        Cell::words(end),
        Cell::number((place + 1).to_string()),
        Cell::number(short(found.value)),
        Cell::number(short(found.residual)),
        Cell::mark(converged, Some(found.converged)),
    ]
}

/// The three answers with their evidence.
fn diagnosis(told: &DiagnosisReport) -> String {
    let [difficulty, outlook, course] = Diagnosis::QUESTIONS;
    let answers = &told.answers;
    let words = told.evidence.to_string();
    let evidence = words.lines().map(|line| line.trim().to_owned());
    let evidence: Vec<String> = evidence.collect();
    let body = answer(difficulty, &answers.difficulty)
        + &answer(outlook, &answers.outlook)
        + &answer(course, &answers.course);
    part(&told.path, &(list("plain", &evidence) + &body))
}

fn answer<V: Display>(question: &str, answer: &Answer<V>) -> String {
    let row = |figure: &landscape_core::diagnosis::Figure| {
        let [name, value, thresholds, says] = crate::diagnose::cells(figure);
        vec![
            Cell::words(name),
            Cell::number(value),
            Cell::number(thresholds),
            Cell::words(says),
        ]
    };
    let rows: Vec<Vec<Cell>> = answer.figures.iter().map(row).collect();
    let figures = match rows.is_empty() {
        true => String::new(),
        false => table(&["figure", "value", "thresholds", ""], &rows),
    };
    let (verdict, sure) = (answer.verdict.to_string(), answer.confidence);
    format!(
        "<div class=\"answer\">\n<h4>{} <b>{}</b> <small>confidence: {}</small></h4>\n{}{figures}{}</div>\n",
        escape(question),
        escape(&verdict),
        escape(&sure.to_string()),
        paragraph(&answer.sentence),
        list("reservations", &answer.reservations)
    )
}
