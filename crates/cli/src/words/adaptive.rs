//! What adaptive sampling did.

use landscape_core::AdaptiveReport;

/// The report of an adaptive run in a sentence.
pub fn adaptive_words(report: &AdaptiveReport) -> String {
    let measured = format!(
        "adaptive: {} of {} points measured ({:.1}%)",
        report.measured,
        report.points,
        100.0 * report.measured as f64 / report.points as f64
    );
    let (Some(largest), Some(missed)) = (report.max_error, report.missed_share) else {
        return format!("{measured}; nothing is interpolated");
    };
    format!(
        "{measured}, the rest interpolated; {} points drawn to check it are off by at most {} of the range, \
         so that with 95% confidence at most {} of the rest are off by more than {}",
        report.checks,
        percent(largest),
        percent(missed),
        percent(report.tolerance)
    )
}

/// A share as a percentage of two significant digits.
fn percent(share: f64) -> String {
    let text = format!("{:.1e}", 100.0 * share);
    format!("{}%", text.parse().unwrap_or(100.0 * share))
}
