//! Basins, persistence and tables.

use crate::support::{comparison, four_minima, group, pairs, path, plane, with_basins, words};
use landscape_core::{Persistence, Value, merge_tree};
use landscape_plot::{
    Column, Options, PlotError, Table, barcode, contour, persistence, table, trajectory,
};

fn all_words(figure: &landscape_plot::Figure) -> Vec<String> {
    words(figure).into_iter().map(|w| w.words).collect()
}

#[test]
fn minima_are_numbered_and_passes_have_their_barriers() {
    let surface = four_minima();
    let options = with_basins(&Options {
        origin: None,
        ..Options::default()
    });
    let figure = contour(&surface, &options).unwrap();
    let minima = group(&figure, "minima");
    assert!(
        ["1", "2", "3", "4"]
            .iter()
            .all(|n| minima.contains(&format!(">{n}<")))
    );
    assert_eq!(minima.matches("<text").count(), 4);
    let tree = merge_tree(&surface, Value::Loss);
    let passes = group(&figure, "passes");
    assert_eq!(passes.matches("<text").count(), 3);
    for merge in &tree.merges {
        let height = format!(">{:.0}<", merge.persistence);
        assert!(passes.contains(&height), "{height} in {passes}");
    }
    let caption = all_words(&figure).join(" ");
    let lowest = format!(
        "4 minima of persistence ≥ 1% of the range: 1 at {:.1}",
        tree.root_values[0]
    );
    assert!(caption.contains(&lowest), "{caption}");
}

#[test]
fn shallow_minima_are_no_basins() {
    let options = Options {
        basins: Some(0.9),
        ..Options::default()
    };
    let figure = contour(&four_minima(), &options).unwrap();
    assert_eq!(group(&figure, "minima").matches("<text").count(), 1);
    assert!(!figure.svg().contains("border of basins"));
    let figure = contour(&four_minima(), &Options::default()).unwrap();
    assert!(!figure.svg().contains("minima"));
}

#[test]
fn paths_have_basins_below_them_and_shares_are_checked() {
    let surface = plane(21, 21, |x, y| (x * x - 0.3).powi(2) + y * y);
    let options = with_basins(&Options::default());
    let figure = trajectory(&surface, &path(12), &options).unwrap();
    assert!(figure.svg().contains("border of basins"));
    let wrong = Options {
        basins: Some(1.5),
        ..Options::default()
    };
    let error = contour(&surface, &wrong).unwrap_err().to_string();
    assert_eq!(
        error,
        "basins = 1.5 is not usable: a fraction of the range, 0 to 1"
    );
}

#[test]
fn every_minimum_is_a_point_and_a_bar() {
    let pairs = pairs();
    assert_eq!(pairs.len(), 4);
    let figure = persistence(&pairs, &Options::default()).unwrap();
    let points = group(&figure, "minima");
    assert_eq!(points.matches("fill=\"#0072b2\"").count(), 3);
    assert_eq!(points.matches("fill=\"#d55e00\"").count(), 1);
    assert!(all_words(&figure).contains(&"never".to_owned()));
    let figure = barcode(&pairs, &Options::default()).unwrap();
    assert_eq!(
        group(&figure, "bars").matches("fill=\"#0072b2\"").count(),
        3
    );
    assert!(matches!(
        persistence(&[], &Options::default()),
        Err(PlotError::Empty { .. })
    ));
}

#[test]
fn only_the_most_persistent_bars_are_drawn_and_the_rest_is_counted() {
    let pair = |k: usize| Persistence {
        minimum: k,
        birth: 0.0,
        death: Some(1.0 + k as f64),
    };
    let many: Vec<Persistence> = (0..100).map(pair).collect();
    let figure = barcode(&many, &Options::default()).unwrap();
    assert_eq!(group(&figure, "bars").matches("<path").count(), 40);
    assert!(
        all_words(&figure)
            .join(" ")
            .contains("the 40 most persistent of 100 minima")
    );
}

#[test]
fn tables_keep_every_word_and_wrong_rows_are_errors() {
    let figure = table(&comparison(), &Options::default()).unwrap();
    let found = all_words(&figure).join(" ");
    for word in [
        "optimiser",
        "eigenvalue",
        "(SAM)",
        "0.0123",
        "Adam",
        "Losses on all data.",
    ] {
        assert!(found.contains(word), "{word} in {found}");
    }
    let mut short = comparison();
    short.rows[1].pop();
    let error = table(&short, &Options::default()).unwrap_err().to_string();
    assert_eq!(error, "`Adam` has 6 places but 5 values");
    let empty = Table {
        rows: vec![],
        ..comparison()
    };
    assert!(matches!(
        table(&empty, &Options::default()),
        Err(PlotError::Empty { .. })
    ));
}

#[test]
fn markdown_escapes_bars_and_aligns_numbers() {
    let table = Table {
        columns: vec![Column::words("a|b"), Column::numbers("n")],
        rows: vec![vec!["x".into(), "1".into()]],
        notes: vec![],
    };
    assert_eq!(table.markdown(), "| a\\|b | n |\n|---|---:|\n| x | 1 |\n");
}
