//! Measuring text with the metrics of the font that the figures are drawn in.

pub(crate) mod number;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// DejaVu Sans 2.37 (a subset: Latin, Greek, Cyrillic, mathematical signs), see its licence beside it.
pub(crate) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");
/// The family as written into SVG; Verdana is as wide and common where DejaVu is not installed.
pub(crate) const FAMILY: &str = "'DejaVu Sans', Verdana, 'Bitstream Vera Sans', sans-serif";
/// Height of a capital letter in units of the font size.
pub(crate) const CAP_HEIGHT: f64 = 0.729;
/// How far letters reach above and below the base line, in units of the font size.
pub(crate) const ASCENT: f64 = 0.76;
/// See [`ASCENT`].
pub(crate) const DESCENT: f64 = 0.236;

/// Advance widths of the font's characters, as shares of the font size.
struct Metrics {
    advances: BTreeMap<char, f64>,
    fallback: f64,
}

fn metrics() -> &'static Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| match FontRef::new(FONT) {
        Ok(font) => read(&font),
        Err(_) => Metrics {
            advances: BTreeMap::new(),
            fallback: 0.6,
        },
    })
}

fn read(font: &FontRef<'_>) -> Metrics {
    let glyphs = font.glyph_metrics(Size::new(1.0), LocationRef::default());
    let advances = font
        .charmap()
        .mappings()
        .filter_map(|(code, glyph)| {
            let width = glyphs.advance_width(glyph)?;
            Some((char::from_u32(code)?, f64::from(width)))
        })
        .collect();
    Metrics {
        advances,
        fallback: 0.6,
    }
}

/// Width of one line of text at a font size, in the unit of the size.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let font = metrics();
    let advance = |c: char| font.advances.get(&c).copied().unwrap_or(font.fallback);
    size * text.chars().map(advance).sum::<f64>()
}

/// Lines no wider than `limit`, broken at spaces; a word that is wider by itself is cut.
pub(crate) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let joined = match line.is_empty() {
            true => word.to_owned(),
            false => format!("{line} {word}"),
        };
        if width(&joined, size) <= limit {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        line = fit(word, size, limit);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Lines of an axis label: what stands in brackets goes to a line of its own where one line does
/// not hold all.
pub(crate) fn wrap_label(label: &str, size: f64, limit: f64) -> Vec<String> {
    match label.split_once(" (") {
        Some((name, rest)) if width(label, size) > limit => {
            let mut lines = wrap(name, size, limit);
            lines.extend(wrap(&format!("({rest}"), size, limit));
            lines
        }
        _ => wrap(label, size, limit),
    }
}

/// The most lines of an axis label.
const LABEL_LINES: usize = 2;
/// What stands shorter in an axis label that has no room.
const SHORTER: [(&str, &str); 7] = [
    ("PCA component", "PC"),
    ("% of variance", "%"),
    ("Hessian eigenvector", "eigenvector"),
    ("direction", "dir."),
    ("-normalised", ""),
    ("not normalised", "raw"),
    ("from a file", "file"),
];

/// Lines of an axis label, two at most: in full where that fits, else with shorter words, else
/// without what stands in brackets, and cut as a last resort.
pub(crate) fn axis_lines(label: &str, size: f64, limit: f64) -> Vec<String> {
    let shorten = |text: String, (long, short): &(&str, &str)| text.replace(long, short);
    let short = SHORTER.iter().fold(label.to_owned(), shorten);
    let name = short.split(" (").next().unwrap_or_default().to_owned();
    let fits = |lines: &Vec<String>| {
        lines.len() <= LABEL_LINES && lines.iter().all(|line| !line.ends_with('…'))
    };
    let mut forms = [label, &short, &name].map(|form| wrap_label(form, size, limit));
    if let Some(lines) = forms.iter().find(|lines| fits(lines)) {
        return lines.clone();
    }
    match forms[2].len() {
        ..=LABEL_LINES => std::mem::take(&mut forms[2]),
        _ => vec![fit(&name, size, limit)],
    }
}

/// The size, not below 5 points, at which a text is no wider than `limit`.
pub(crate) fn narrow(text: &str, size: f64, limit: f64) -> f64 {
    (size * limit / width(text, size).max(1e-9)).clamp(5.0_f64.min(size), size)
}

/// The text, cut with an ellipsis when it is wider than `limit`.
pub(crate) fn fit(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while kept.pop().is_some() {
        let shown = format!("{kept}…");
        if width(&shown, size) <= limit {
            return shown;
        }
    }
    "…".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_signs_that_figures_use() {
        for c in "−×⁰¹²³⁴⁵⁶⁷⁸⁹⁻±σθαβγλ∇‖∞₁₂₃…–µé".chars()
        {
            assert!(metrics().advances.contains_key(&c), "{c}");
        }
    }

    #[test]
    fn wrapped_lines_fit_and_keep_every_word() {
        let text = "mean of the loss over the data with 1.96 standard errors of that mean";
        let lines = wrap(text, 6.0, 90.0);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|l| width(l, 6.0) <= 90.0));
        assert_eq!(lines.join(" "), text);
        let label = wrap_label("PCA component 1 (83.2% of variance)", 7.0, 100.0);
        assert_eq!(label, ["PCA component 1", "(83.2% of variance)"]);
        assert!(width(&fit("supercalifragilistic", 6.0, 30.0), 6.0) <= 30.0);
    }

    #[test]
    fn axis_labels_without_room_are_shortened() {
        let pca = "PCA component 2 (10.4% of variance)";
        assert_eq!(axis_lines(pca, 7.0, 200.0), [pca]);
        assert_eq!(
            axis_lines(pca, 7.0, 80.0),
            ["PCA component 2", "(10.4% of variance)"]
        );
        assert_eq!(axis_lines(pca, 7.0, 60.0), ["PC 2 (10.4%)"]);
        assert_eq!(axis_lines(pca, 7.0, 40.0), ["PC 2", "(10.4%)"]);
        let drawn = "direction 1 (filter-normalised)";
        assert_eq!(axis_lines(drawn, 7.0, 40.0), ["dir. 1", "(filter)"]);
        let long = "a label of one hundred words or so (and what it means)";
        let lines = axis_lines(long, 7.0, 35.0);
        assert!(lines.len() <= 2 && lines.iter().all(|l| width(l, 7.0) <= 35.0));
    }
}
