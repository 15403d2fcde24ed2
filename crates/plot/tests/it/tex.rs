//! Lines as data for LaTeX.

use crate::support::{curve, every_kind, path, plane, sampled};
use landscape_plot::{Options, PlotError, Scale, contour, heatmap, line, losses, trajectory};

/// Lines of points.
type Lines = Vec<Vec<(f64, f64)>>;

/// The tables of a file: options and points of each, pieces apart.
fn tables(tex: &str) -> Vec<(String, Lines)> {
    let table = |part: &str| {
        let (options, rest) = part.split_once("] table[header=false] {\n").unwrap();
        let (rows, _) = rest.split_once("};").unwrap();
        let point = |row: &str| {
            let (x, y) = row.split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        let pieces = rows.split("\n\n").filter(|piece| !piece.trim().is_empty());
        let pieces = pieces.map(|piece| piece.trim().lines().map(point).collect());
        (options.to_owned(), pieces.collect())
    };
    tex.split("\\addplot[").skip(1).map(table).collect()
}

#[test]
fn contours_are_where_they_belong() {
    let circles = plane(101, 101, |x, y| x * x + y * y);
    let options = Options {
        levels: Some(vec![0.25, 0.5]),
        origin: None,
        ..Options::default()
    };
    let tex = contour(&circles, &options).unwrap().to_tex().unwrap();
    let tables = tables(&tex);
    assert_eq!(tables.len(), 2);
    for ((_, pieces), level) in tables.iter().zip([0.25f64, 0.5]) {
        assert_eq!(pieces.len(), 1);
        let points = &pieces[0];
        assert_eq!(points[0], points[points.len() - 1]);
        assert!(
            points
                .iter()
                .all(|(x, y)| (x.hypot(*y) - level.sqrt()).abs() < 2e-3)
        );
    }
    assert!(
        tex.contains("ytick={2.5e-1, 5e-1}, yticklabels={{0.25}, {0.5}}"),
        "{tex}"
    );
}

#[test]
fn curves_have_the_values_themselves() {
    let cut = sampled(&[(-1.0, 1.0, 5)], |[x, ..]| {
        (x != 0.5).then(|| 10f64.powf(x))
    });
    let options = Options {
        scale: Scale::Log,
        value_label: Some("100% of a_b".into()),
        ..Options::default()
    };
    let tex = line(&cut, &options).unwrap().to_tex().unwrap();
    let (_, pieces) = &tables(&tex)[0];
    assert_eq!(
        pieces[0],
        [(-1.0, 0.1), (-0.5, 10f64.powf(-0.5)), (0.0, 1.0)]
    );
    assert_eq!(pieces[1], [(1.0, 10.0)]);
    assert!(tex.contains("ymode=log") && tex.contains("ylabel={100\\% of a\\_b}"));
    let named = losses(&[curve("a"), curve("b")], &Options::default()).unwrap();
    let tex = named.to_tex().unwrap();
    assert!(tex.contains("\\addlegendentry{a}") && tex.contains("\\addlegendentry{b}"));
}

#[test]
fn paths_have_their_points() {
    let (surface, path) = (plane(9, 9, |x, y| x * x + y * y), path(7));
    let tex = trajectory(&surface, &path, &Options::default())
        .unwrap()
        .to_tex()
        .unwrap();
    let tables = tables(&tex);
    let (_, pieces) = tables
        .iter()
        .find(|(options, _)| options.contains("line width=1.1bp"))
        .unwrap();
    let points: Vec<(f64, f64)> = path
        .points
        .iter()
        .map(|p| (p.coords[0], p.coords[1]))
        .collect();
    assert_eq!(pieces[0], points);
    assert!(tex.contains("\\addlegendentry{training path}"));
}

#[test]
fn every_figure_has_lines_or_says_that_it_has_none() {
    let mut with = 0;
    for (kind, figure) in every_kind(&Options::default()) {
        match figure.to_tex() {
            Ok(tex) => {
                with += 1;
                let count =
                    |c: char| tex.matches(c).count() - tex.matches(&format!("\\{c}")).count();
                assert_eq!(count('{'), count('}'), "{kind}");
                assert_eq!(
                    tex.matches("\\begin{axis}").count(),
                    tex.matches("\\end{axis}").count()
                );
                assert!(!tex.contains("NaN") && !tex.contains("inf,"), "{kind}");
            }
            Err(error) => assert!(matches!(error, PlotError::NoLines), "{kind}: {error}"),
        }
    }
    assert!(with > 10, "{with}");
    let heat = heatmap(&plane(5, 5, |x, y| x * y), &Options::default()).unwrap();
    assert!(matches!(heat.to_tex(), Err(PlotError::NoLines)));
}
