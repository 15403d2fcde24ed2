//! Fewer points for the same line.

/// A line without the points that lie no further than `off` from the line through those that are kept (Douglas and
/// Peucker, Cartographica 10, 1973).
pub(crate) fn thinned(points: &[(f64, f64)], off: f64) -> Vec<(f64, f64)> {
    let n = points.len();
    if n < 3 {
        return points.to_vec();
    }
    let mut kept = vec![false; n];
    (kept[0], kept[n - 1]) = (true, true);
    let mut open = vec![(0, n - 1)];
    while let Some((a, b)) = open.pop() {
        let far = |k: usize| (k, squared(points[k], points[a], points[b]));
        let farthest = (a + 1..b).map(far).max_by(|j, k| j.1.total_cmp(&k.1));
        if let Some((k, _)) = farthest.filter(|(_, far)| *far > off * off) {
            kept[k] = true;
            open.extend([(a, k), (k, b)]);
        }
    }
    let both = points.iter().zip(kept);
    both.filter(|(_, kept)| *kept).map(|(p, _)| *p).collect()
}

/// The square of the distance of a point from the segment between two.
fn squared(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let square = dx * dx + dy * dy;
    let along = (p.0 - a.0) * dx + (p.1 - a.1) * dy;
    let t = match square > 0.0 {
        true => (along / square).clamp(0.0, 1.0),
        false => 0.0,
    };
    let (x, y) = (p.0 - a.0 - t * dx, p.1 - a.1 - t * dy);
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_lines_keep_their_ends_and_corners() {
        let line: Vec<(f64, f64)> = (0..=20)
            .map(|k| (f64::from(k), f64::from((k - 10).max(0))))
            .collect();
        assert_eq!(
            thinned(&line, 0.01),
            [(0.0, 0.0), (10.0, 0.0), (20.0, 10.0)]
        );
    }

    #[test]
    fn circles_stay_within_the_distance() {
        let at = |k: i32| f64::from(k) / 500.0 * std::f64::consts::TAU;
        let circle: Vec<(f64, f64)> = (0..500)
            .map(|k| (9.0 * at(k).cos(), 9.0 * at(k).sin()))
            .collect();
        let thin = thinned(&circle, 0.03);
        assert!(thin.len() < 70);
        for p in &circle {
            let near = thin.windows(2).map(|w| squared(*p, w[0], w[1]).sqrt());
            assert!(near.fold(f64::MAX, f64::min) <= 0.1);
        }
    }
}
