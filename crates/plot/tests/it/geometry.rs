//! Lines, colours, labels and ticks of one figure agree, and so do those of the page.

use crate::support::{bowl, group, pixels, plane};
use base64::Engine;
use landscape_core::Surface;
use landscape_plot::page::{PageData, PageRun, html};
use landscape_plot::{Figure, Options, Scale, contour, surface3d};

/// What the `<text>` of a part of a figure say.
fn texts(part: &str) -> Vec<String> {
    let said = |text: &str| text.split('>').nth(1)?.split('<').next().map(str::to_owned);
    part.split("<text").skip(1).filter_map(said).collect()
}

/// A minimum in a plain with a steep corner, as of a deep network without shortcuts.
fn corner() -> Surface {
    plane(17, 17, |x, y| {
        0.4 + (1.5 * x * x + y * y).min(2.5) + 120.0 * (8.0 * (x + y - 2.0)).exp()
    })
}

fn shown(surface: &Surface, scale: Scale) -> Figure {
    let options = Options {
        scale,
        origin: None,
        ..Options::default()
    };
    contour(surface, &options).unwrap()
}

/// The points of the lines of a group.
fn points(part: &str) -> Vec<Vec<(f64, f64)>> {
    let point = |pair: &str| {
        let (x, y) = pair.split_once(' ')?;
        Some((x.parse().ok()?, y.parse().ok()?))
    };
    let lines =
        { part.split("d=\"").skip(1) }.flat_map(|d| d.split('"').next().unwrap().split('M'));
    lines
        .map(|line| line.split(['L', 'Z']).filter_map(point).collect())
        .filter(|line: &Vec<_>| line.len() > 1)
        .collect()
}

/// Nine points an axis: between them too, one side of a line has one colour, the other another.
#[test]
fn lines_lie_on_the_borders_of_the_colours() {
    let surface = plane(9, 9, |x, y| {
        bowl(x, y) + 0.3 * (3.0 * x).sin() * (2.0 * y).cos()
    });
    let options = Options {
        levels: Some(vec![0.9]),
        origin: None,
        ..Options::default()
    };
    let figure = contour(&surface, &options).unwrap();
    let (map, scale) = pixels(&figure, 600.0);
    let color = |x: f64, y: f64| {
        let p = map.pixel((x * scale) as u32, (y * scale) as u32).unwrap();
        [p.red(), p.green(), p.blue()]
    };
    let mut looked = 0;
    for line in points(group(&figure, "contours")) {
        for (a, b) in line.iter().zip(&line[1..]) {
            let (dx, dy) = (b.0 - a.0, b.1 - a.1);
            let length = dx.hypot(dy);
            let (x, y) = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
            let (nx, ny) = (0.45 * dy / length, -0.45 * dx / length);
            let sides = [color(x + nx, y + ny), color(x - nx, y - ny)];
            let far = [
                color(x + 3.0 * nx, y + 3.0 * ny),
                color(x - 3.0 * nx, y - 3.0 * ny),
            ];
            assert_eq!(sides, far, "the border runs beside the line at {x}, {y}");
            assert_ne!(sides[0], sides[1]);
            looked += 1;
        }
    }
    assert!(looked > 40, "{looked}");
}

#[test]
fn two_lines_at_least_are_labelled_and_all_ticks_of_the_bar() {
    let saddle = plane(21, 21, |x, y| x * x - y * y);
    for (surface, scale) in [
        (plane(21, 21, bowl), Scale::Linear),
        (plane(21, 21, bowl), Scale::Log),
        (corner(), Scale::Log),
        (saddle, Scale::Linear),
    ] {
        let figure = shown(&surface, scale);
        let mut levels = texts(group(&figure, "contour-labels"));
        levels.sort();
        levels.dedup();
        assert!(levels.len() >= 2, "{scale:?}: {levels:?}");
        let bar = group(&figure, "colour-bar");
        let ticks = bar.matches("stroke-width=\"0.5\"").count() - 1;
        let labels = texts(bar).len() - 1;
        assert!((2..=8).contains(&ticks), "{scale:?}: {ticks}");
        assert_eq!(ticks, labels, "{scale:?}: all ticks have labels");
    }
}

#[test]
fn the_height_of_a_surface_has_the_ticks_of_its_bar() {
    let steep = plane(31, 31, |x, y| 0.04 * (3.0 * (x * x + y)).exp());
    for (surface, scale) in [
        (plane(21, 21, bowl), Scale::Linear),
        (steep.clone(), Scale::Log),
        (corner(), Scale::Log),
        (plane(21, 21, |x, y| 50.0 * x * y), Scale::Log),
    ] {
        let options = Options {
            scale,
            axes: ["x", "y", "z"].map(|name| Some(name.to_owned())),
            ..Options::default()
        };
        let figure = surface3d(&surface, &options).unwrap();
        let bar = texts(group(&figure, "colour-bar"));
        let axes = texts(group(&figure, "axes"));
        let place = axes.iter().position(|words| words == "y").unwrap();
        let height: Vec<&String> = axes[place + 1..].iter().filter(|w| *w != "loss").collect();
        assert_eq!(height, bar.iter().collect::<Vec<_>>(), "{scale:?}");
        assert!(bar.len() >= 2, "{scale:?}: {bar:?}");
        assert_eq!(figure.svg().matches(">loss<").count(), 1, "one name");
    }
}

#[test]
fn the_view_that_is_chosen_shows_both_axes_to_the_right() {
    for turn in [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)] {
        // The high corner would hide the minimum from the other views.
        let surface = plane(31, 31, |x, y| {
            bowl(x, y) + 3.0 * (turn.0 * x + turn.1 * y).exp()
        });
        let figure = surface3d(&surface, &Options::default()).unwrap();
        let found = crate::support::words(&figure);
        for ends in [["−0.5", "0.5"], ["0.5", "1.0"]] {
            let at = ends.map(|end| found.iter().find(|w| w.words == end).unwrap().left);
            assert!(at[0] < at[1], "{turn:?} {ends:?}");
        }
        assert!(!figure.svg().contains("hidden, at the foot"), "{turn:?}");
    }
}

/// The data of a page of one run.
fn page(surface: &Surface) -> serde_json::Value {
    let page = html(&PageData::new(
        "a",
        vec![PageRun::new("a", surface.clone())],
    ))
    .unwrap();
    let start = r#"<script id="data" type="application/json">"#;
    let rest = &page[page.find(start).unwrap() + start.len()..];
    serde_json::from_str(&rest[..rest.find("</script").unwrap()]).unwrap()
}

/// What ticks say.
fn words_of(ticks: &serde_json::Value) -> Vec<String> {
    let ticks = ticks.as_array().unwrap().iter();
    let words = ticks.filter_map(|tick| tick["text"].as_str());
    words.map(str::to_owned).collect()
}

#[test]
fn the_page_has_the_levels_ticks_and_colours_of_the_figure() {
    for (surface, scale, key) in [
        (plane(21, 21, bowl), Scale::Linear, "linear"),
        (plane(21, 21, bowl), Scale::Log, "log"),
        (corner(), Scale::Log, "log"),
    ] {
        let (figure, page) = (shown(&surface, scale), page(&surface));
        let drawn = &page["runs"][0]["quantities"][0][key];
        let levels = drawn["levels"].as_array().unwrap();
        let bar = group(&figure, "colour-bar");
        let mut said = texts(bar);
        assert_eq!(said.pop().as_deref(), Some("loss"));
        assert_eq!(said, words_of(&drawn["ticks"]), "{key}");
        let axes = &page["runs"][0]["axes"];
        let both = [&axes[0], &axes[1]].map(|axis| words_of(&axis["ticks"]));
        let said = texts(group(&figure, "axes"));
        assert_eq!(both.concat(), said[..said.len() - 2], "{key}");
        for words in texts(group(&figure, "contour-labels")) {
            assert!(
                levels.iter().any(|l| l["text"] == words.as_str()),
                "{words}"
            );
        }
        // The bands of the bar, from the top down, have the colours of the page's table in their middles.
        let table = page["colormaps"]["viridis"].as_str().unwrap();
        let table = base64::engine::general_purpose::STANDARD
            .decode(table)
            .unwrap();
        let place = |value: f64| match scale {
            Scale::Log => value.ln(),
            _ => value,
        };
        let [lo, hi] = ["lo", "hi"].map(|end| place(drawn[end].as_f64().unwrap()));
        let values = levels.iter().map(|l| place(l["value"].as_f64().unwrap()));
        let mut ends = vec![0.0];
        ends.extend(values.map(|v| (v - lo) / (hi - lo)));
        ends.push(1.0);
        let fills = bar.split("fill=\"#").skip(1).take(ends.len() - 1);
        for (fill, band) in fills.zip(ends.windows(2).rev()) {
            let entry = (f64::midpoint(band[0], band[1]) * 511.0).round() as usize;
            for k in 0..3 {
                let drawn = u8::from_str_radix(&fill[2 * k..2 * k + 2], 16).unwrap();
                assert!(
                    drawn.abs_diff(table[4 * entry + k]) <= 2,
                    "{key} {band:?}: {fill:.6}"
                );
            }
        }
    }
}

/// The contour lines of a page, in shares of the frame.
fn unpacked(lines: &serde_json::Value) -> Vec<Vec<(f64, f64)>> {
    let packed = lines.as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .unwrap();
    let mut bytes = bytes.into_iter().peekable();
    let mut lines = Vec::new();
    while bytes.peek().is_some() {
        let mut next = || {
            let (mut number, mut shift) = (0_i64, 0);
            loop {
                let byte = bytes.next().unwrap();
                number |= i64::from(byte & 127) << shift;
                if byte < 128 {
                    return number;
                }
                shift += 7;
            }
        };
        let (_level, size) = (next(), next());
        // Steps have their sign in the lowest bit.
        let mut step = || match next() {
            step if step % 2 == 0 => step / 2,
            step => -(step + 1) / 2,
        };
        let mut at = (0, 0);
        let mut points = Vec::new();
        for _ in 0..size / 2 {
            at.0 += step();
            at.1 += step();
            points.push((at.0 as f64 / 4096.0, at.1 as f64 / 4096.0));
        }
        lines.push(points);
    }
    lines
}

fn distance(p: (f64, f64), line: &[(f64, f64)]) -> f64 {
    let to = |w: &[(f64, f64)]| {
        let (dx, dy) = (w[1].0 - w[0].0, w[1].1 - w[0].1);
        let along = (p.0 - w[0].0) * dx + (p.1 - w[0].1) * dy;
        let t = (along / (dx * dx + dy * dy).max(1e-300)).clamp(0.0, 1.0);
        (p.0 - w[0].0 - t * dx).hypot(p.1 - w[0].1 - t * dy)
    };
    line.windows(2).map(to).fold(f64::MAX, f64::min)
}

#[test]
fn the_page_has_the_lines_of_the_figure() {
    let saddle = plane(6, 9, |x, y| 2.0 * x * x - y * y);
    for surface in [plane(21, 21, bowl), saddle, crate::support::broken()] {
        let (figure, page) = (shown(&surface, Scale::Linear), page(&surface));
        let lines = unpacked(&page["runs"][0]["quantities"][0]["linear"]["lines"]);
        let frame = &points(group(&figure, "axes"))[0];
        let ((x0, y0), (x1, y1)) = (frame[0], frame[2]);
        let drawn = points(group(&figure, "contours"));
        assert!(drawn.len() >= lines.len() && lines.len() > 5);
        for (x, y) in drawn.into_iter().flatten() {
            let share = ((x - x0) / (x1 - x0), (y - y0) / (y1 - y0));
            let off = { lines.iter() }
                .map(|line| distance(share, line))
                .fold(f64::MAX, f64::min);
            assert!(off < 2e-3, "{share:?} is {off} from every line");
        }
    }
}
