//! Every example runs, leaves its figures, and lands where it should.

use crate::support::Example;

#[test]
fn analytic_landscapes_have_the_critical_points_that_are_known() {
    let lesson = Example::run("01-analytic");
    for name in ["bowl", "himmelblau", "saddle", "valley"] {
        lesson.has_figures(
            &["contour", "heatmap", "surface"]
                .map(|kind| format!("{name}-{kind}"))
                .each_ref()
                .map(String::as_str),
        );
    }
    lesson.has_page();
    assert_eq!(lesson.number("bowl: minima"), 1.0);
    assert_eq!(lesson.number("himmelblau: minima"), 4.0);
    assert_eq!(lesson.number("saddle: minima"), 0.0);
}
