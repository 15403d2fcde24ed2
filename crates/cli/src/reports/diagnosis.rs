//! Diagnoses.

use crate::output::{Align, Table, short};
use landscape_core::Diagnosis;
use landscape_core::diagnosis::{Answer, Figure};
use landscape_study::diagnose::Evidence;
use std::fmt::Display;

/// The three questions.
const QUESTIONS: [&str; 3] = ["Is it hard to train?", "Can it improve?", "What happened?"];

/// The answers with their figures, thresholds and reservations, and what they rest on.
pub fn diagnosis_words(evidence: &Evidence) -> String {
    let told = evidence.diagnose();
    let mut text = format!("{}\n", evidence.label);
    text.push_str(&rests_on(evidence));
    text.push_str(&answer(QUESTIONS[0], &told.difficulty));
    text.push_str(&answer(QUESTIONS[1], &told.outlook));
    text.push_str(&answer(QUESTIONS[2], &told.course));
    text
}

fn answer<V: Display>(question: &str, answer: &Answer<V>) -> String {
    let mut text = format!(
        "\n{question}  {} (confidence: {})\n  {}\n",
        answer.verdict, answer.confidence, answer.sentence
    );
    if !answer.figures.is_empty() {
        let names = [
            ("FIGURE", Align::Left),
            ("VALUE", Align::Right),
            ("THRESHOLDS", Align::Left),
            ("", Align::Left),
        ];
        let mut table = Table::new(names);
        answer
            .figures
            .iter()
            .for_each(|figure| table.row(cells(figure)));
        let lines = table.text();
        text.extend(lines.lines().map(|line| format!("    {line}\n")));
    }
    let reservations = answer.reservations.iter();
    text.extend(reservations.map(|why| format!("  but {why}\n")));
    text
}

fn cells(figure: &Figure) -> [String; 4] {
    let limits: Vec<String> = figure
        .thresholds
        .iter()
        .map(|limit| plain(*limit))
        .collect();
    [
        figure.name.clone(),
        plain(figure.value),
        limits.join(", "),
        figure.says.clone(),
    ]
}

fn rests_on(evidence: &Evidence) -> String {
    let mut lines = Vec::new();
    if let Some(trained) = &evidence.trained {
        let with = evidence.optimizer();
        let rate = evidence.learning_rate();
        let rate = rate.map(|rate| format!("learning rate {}", plain(rate)));
        let how: Vec<String> = with.into_iter().chain(rate).collect();
        let how = match how.is_empty() {
            true => String::new(),
            false => format!(" ({})", how.join(", ")),
        };
        lines.push(format!("training: run {}{how}", trained.name));
    }
    match evidence.losses.len() {
        0 => {}
        n => lines.push(format!("losses: {n} recorded steps")),
    }
    if !evidence.coordinates.is_empty() {
        let share = evidence.explained;
        let share = share.map_or(String::new(), |s| {
            format!(", which explains {:.1}%", 100.0 * s)
        });
        let n = evidence.coordinates.len();
        lines.push(format!(
            "path: {n} checkpoints on the plane of their principal components{share}"
        ));
    }
    let no_path = evidence.no_path.iter();
    lines.extend(no_path.map(|why| format!("path: {why}")));
    lines.extend(evidence.surfaces.iter().map(|seen| match &seen.metrics {
        Some(_) => format!("landscape: {}", seen.words()),
        None => format!("landscape: {}, none of them finite", seen.words()),
    }));
    if let Some(lambda) = &evidence.lambda {
        lines.push(format!(
            "largest eigenvalue of the Hessian: {} at step {} ({})",
            short(lambda.value),
            lambda.step,
            lambda.from
        ));
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// A number without zeros at its end.
fn plain(value: f64) -> String {
    let text = short(value);
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The answers in one line each.
pub fn brief(told: &Diagnosis) -> String {
    let line = |question: &str, verdict: String, sure: &dyn Display, sentence: &str| {
        format!("  {question:<20}  {verdict} (confidence: {sure}): {sentence}\n")
    };
    let (a, b, c) = (&told.difficulty, &told.outlook, &told.course);
    [
        line(
            QUESTIONS[0],
            a.verdict.to_string(),
            &a.confidence,
            &a.sentence,
        ),
        line(
            QUESTIONS[1],
            b.verdict.to_string(),
            &b.confidence,
            &b.sentence,
        ),
        line(
            QUESTIONS[2],
            c.verdict.to_string(),
            &c.confidence,
            &c.sentence,
        ),
    ]
    .concat()
}

/// Whether networks are hard to train, in a word each and how sure that is.
pub fn verdicts(all: &[Diagnosis]) -> String {
    let one = |told: &Diagnosis| {
        let answer = &told.difficulty;
        format!("{} ({})", answer.verdict, answer.confidence)
    };
    match all {
        [] => "-".to_owned(),
        all => all.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}
