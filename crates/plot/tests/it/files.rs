//! Files: SVG that parses, PNG with resolution and provenance, the same bytes every time.

use crate::support::{every_kind, plane, tree};
use landscape_plot::{Options, PlotError, Size, Style, contour, heatmap};

fn with_provenance() -> Options {
    Options {
        provenance: vec![
            (
                "Command".into(),
                "landscape plot --kind contour <a & b>".into(),
            ),
            ("Model".into(), "mlp:2-8-4-1, θ*".into()),
        ],
        ..Options::default()
    }
}

/// The chunks of a PNG file: name and data.
fn chunks(png: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut at = 8;
    let mut found = Vec::new();
    while at + 12 <= png.len() {
        let long = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let name = String::from_utf8_lossy(&png[at + 4..at + 8]).into_owned();
        found.push((name, png[at + 8..at + 8 + long].to_vec()));
        at += 12 + long;
    }
    found
}

#[test]
fn every_figure_parses_and_has_its_width() {
    for (style, mm) in [
        (Style::of(Size::Single), 89.0),
        (Style::of(Size::Double), 183.0),
    ] {
        for (kind, figure) in every_kind(&Options {
            style,
            ..with_provenance()
        }) {
            let size = tree(&figure).size();
            assert!(
                (f64::from(size.width()) - mm / 25.4 * 96.0).abs() < 0.05,
                "{kind}"
            );
            assert!((figure.size_mm().0 - mm).abs() < 1e-9, "{kind}");
            assert!(figure.size_mm().1 < 250.0, "{kind}: {:?}", figure.size_mm());
            assert!(
                figure
                    .svg()
                    .contains("landscape plot --kind contour &lt;a &amp; b&gt;")
            );
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (first, second) = (
        every_kind(&with_provenance()),
        every_kind(&with_provenance()),
    );
    for ((kind, a), (_, b)) in first.iter().zip(&second) {
        assert_eq!(a.svg(), b.svg(), "{kind}");
        assert_eq!(a.to_png(96.0).unwrap(), b.to_png(96.0).unwrap(), "{kind}");
    }
}

/// What of a PDF file is not compressed: its objects.
fn objects(pdf: &[u8]) -> String {
    String::from_utf8_lossy(pdf).into_owned()
}

#[test]
fn pdf_files_have_the_size_the_font_and_the_words() {
    for style in [Size::Single, Size::Slide].map(Style::of) {
        let options = Options {
            style,
            ..with_provenance()
        };
        let figure = contour(&plane(9, 9, |x, y| x + y * y), &options).unwrap();
        let pdf = figure.to_pdf().unwrap();
        assert_eq!(pdf, figure.to_pdf().unwrap());
        let text = objects(&pdf);
        assert!(text.starts_with("%PDF-1."));
        let numbers = text
            .split("/MediaBox")
            .nth(1)
            .unwrap()
            .trim_start_matches([' ', '['])
            .split(']')
            .next()
            .unwrap();
        let numbers: Vec<f64> = numbers
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        let (w, h) = figure.size_mm();
        let points = [0.0, 0.0, w / 25.4 * 72.0, h / 25.4 * 72.0];
        assert!(
            numbers
                .iter()
                .zip(points)
                .all(|(a, b)| (a - b).abs() < 0.01),
            "{numbers:?}"
        );
        // Text is text, in the font of the crate.
        assert!(text.contains("DejaVuSans") && text.contains("/ToUnicode"));
    }
}

#[test]
fn png_files_have_size_resolution_and_provenance() {
    let figure = heatmap(&plane(9, 9, |x, y| x * y), &with_provenance()).unwrap();
    let chunks = chunks(&figure.to_png(300.0).unwrap());
    let get = |name: &str| {
        chunks
            .iter()
            .find(|c| c.0 == name)
            .map(|c| c.1.clone())
            .unwrap()
    };
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let header = get("IHDR");
    assert_eq!(number(&header[..4]), 1051);
    let high = figure.size_mm().1 / 25.4 * 300.0;
    assert!((f64::from(number(&header[4..8])) - high).abs() <= 0.5);
    let resolution = get("pHYs");
    assert_eq!(number(&resolution[..4]), 11811);
    assert_eq!(resolution[8], 1);
    let text: Vec<String> = chunks
        .iter()
        .filter(|c| c.0 == "tEXt")
        .map(|c| String::from_utf8_lossy(&c.1).into_owned())
        .collect();
    assert!(
        text.iter()
            .any(|t| t == "Command\0landscape plot --kind contour <a & b>")
    );
    assert!(
        text.iter()
            .any(|t| t.starts_with("Software\0landscape-plot "))
    );
    let international = get("iTXt");
    assert!(String::from_utf8_lossy(&international).contains("θ*"));
}

#[test]
fn text_is_drawn_without_fonts_of_the_system() {
    let with = contour(&plane(9, 9, |x, y| x * y), &Options::default()).unwrap();
    let (map, _) = crate::support::pixels(&with, 150.0);
    // The label of the vertical axis fills the left border with ink.
    let dark = |x: u32, y: u32| map.pixel(x, y).is_some_and(|p| p.red() < 100);
    let ink = (0..map.height()).flat_map(|y| (0..20).map(move |x| (x, y)));
    assert!(ink.filter(|(x, y)| dark(*x, *y)).count() > 50);
}

#[test]
fn figures_are_saved_by_their_extension_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let figure = heatmap(&plane(5, 5, |x, y| x * y), &Options::default()).unwrap();
    for name in ["a.svg", "b.PNG", "c.pdf"] {
        figure.save(folder.path().join(name)).unwrap();
    }
    let error = figure.save(folder.path().join("c.jpg")).unwrap_err();
    assert!(matches!(error, PlotError::Extension { .. }));
    let error = figure.save(folder.path().join("absent/d.svg")).unwrap_err();
    assert!(matches!(error, PlotError::Write { .. }));
    let mut names: Vec<_> = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a.svg", "b.PNG", "c.pdf"]);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("a.svg")).unwrap(),
        figure.svg()
    );
}

#[test]
fn hostile_words_stay_words() {
    let options = Options {
        title: Some("</title><script>alert(1)</script> & \u{1}\u{fffe}".into()),
        provenance: vec![
            ("a\"b\n".into(), "]]></metadata>".into()),
            (String::new(), "x\0y".into()),
        ],
        ..Options::default()
    };
    let figure = heatmap(&plane(5, 5, |x, y| x * y), &options).unwrap();
    assert!(!figure.svg().contains("<script") && !figure.svg().contains("]]></metadata>"));
    tree(&figure);
    figure.to_png(72.0).unwrap();
}
