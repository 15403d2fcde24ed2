use crate::svg::Rect;

/// A rectangle turned about its centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TurnedBox {
    pub x: f64,
    pub y: f64,
    /// Half the length along the angle.
    pub half_length: f64,
    /// Half the width across it.
    pub half_width: f64,
    /// Cosine and sine of the angle.
    pub axis: (f64, f64),
}

impl TurnedBox {
    pub fn upright(r: Rect) -> Self {
        TurnedBox {
            x: r.x + r.w / 2.0,
            y: r.y + r.h / 2.0,
            half_length: r.w / 2.0,
            half_width: r.h / 2.0,
            axis: (1.0, 0.0),
        }
    }

    pub fn grown(self, by: f64) -> Self {
        TurnedBox {
            half_length: self.half_length + by,
            half_width: self.half_width + by,
            ..self
        }
    }

    pub fn corners(&self) -> [(f64, f64); 4] {
        let (c, s) = self.axis;
        let corner = |a: f64, b: f64| {
            let (l, w) = (a * self.half_length, b * self.half_width);
            (self.x + l * c - w * s, self.y + l * s + w * c)
        };
        [
            corner(1.0, 1.0),
            corner(1.0, -1.0),
            corner(-1.0, -1.0),
            corner(-1.0, 1.0),
        ]
    }

    pub fn within(&self, r: Rect) -> bool {
        self.corners().iter().all(|(x, y)| r.holds(*x, *y))
    }

    pub fn holds(&self, x: f64, y: f64) -> bool {
        let (dx, dy) = (x - self.x, y - self.y);
        let (c, s) = self.axis;
        (dx * c + dy * s).abs() <= self.half_length && (dy * c - dx * s).abs() <= self.half_width
    }

    /// Whether two boxes share a point: no side of either separates them.
    pub fn meets(&self, other: &TurnedBox) -> bool {
        let axes = [self.axis, other.axis];
        let normals = axes.iter().flat_map(|(c, s)| [(*c, *s), (-*s, *c)]);
        let (mine, theirs) = (self.corners(), other.corners());
        let span = |corners: &[(f64, f64); 4], n: (f64, f64)| {
            corners.iter().fold((f64::MAX, f64::MIN), |(a, b), p| {
                let d = p.0 * n.0 + p.1 * n.1;
                (a.min(d), b.max(d))
            })
        };
        normals.into_iter().all(|n| {
            let (a, b) = (span(&mine, n), span(&theirs, n));
            a.0 <= b.1 && b.0 <= a.1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_boxes_meet_where_they_overlap() {
        let a = TurnedBox::upright(Rect::new(0.0, 0.0, 4.0, 2.0));
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let near = TurnedBox {
            x: 5.0,
            y: 1.0,
            half_length: 2.0,
            half_width: 0.5,
            axis: (half, half),
        };
        assert!(a.meets(&near));
        assert!(!a.meets(&TurnedBox { x: 6.5, ..near }));
        assert!(a.holds(3.9, 0.1) && !a.holds(4.1, 0.1));
    }
}
