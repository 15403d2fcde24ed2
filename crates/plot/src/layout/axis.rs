use crate::lines::Side;
use crate::scale::Transform;
use crate::scale::ticks::{Tick, ticks};
use crate::text;
use crate::text::number::value;

/// An axis on the page: from `lo` at `from` to `hi` at `to`.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    transform: Transform,
    lo: f64,
    hi: f64,
    from: f64,
    to: f64,
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// A horizontal axis with as many ticks as have room for their labels.
    pub fn horizontal(transform: Transform, lo: f64, hi: f64, span: (f64, f64), size: f64) -> Self {
        let half = |t: &Tick| t.label.as_ref().map_or(0.0, |l| text::width(l, size) / 2.0);
        let room = |a: &Tick, b: &Tick| half(a) + half(b) + 0.9 * size;
        Axis::fitted(transform, (lo, hi), span, 7, room)
    }

    /// A vertical axis; `span` is from its lower to its upper end.
    pub fn vertical(transform: Transform, lo: f64, hi: f64, span: (f64, f64), size: f64) -> Self {
        let most = libm::floor((span.0 - span.1).abs() / (1.7 * size)) as usize;
        Axis::fitted(transform, (lo, hi), span, most.clamp(3, 8), |_, _| {
            1.4 * size
        })
    }

    fn fitted(
        transform: Transform,
        (lo, hi): (f64, f64),
        (from, to): (f64, f64),
        most: usize,
        room: impl Fn(&Tick, &Tick) -> f64,
    ) -> Self {
        let mut axis = Axis {
            transform: transform.over(lo, hi),
            lo,
            hi,
            from,
            to,
            ticks: Vec::new(),
        };
        for n in (2..=most).rev() {
            axis.ticks = ticks(transform, lo, hi, n);
            let labelled: Vec<&Tick> = axis.ticks.iter().filter(|t| t.label.is_some()).collect();
            let fits = labelled
                .windows(2)
                .all(|w| (axis.at(w[1].value) - axis.at(w[0].value)).abs() >= room(w[0], w[1]));
            if fits {
                break;
            }
        }
        axis
    }

    /// Only ticks at whole numbers, for an axis of counts, where asked for.
    pub fn whole(mut self, asked: bool) -> Self {
        let is_whole = |t: &Tick| t.value == libm::round(t.value);
        if asked && !self.ticks.iter().all(is_whole) {
            self.ticks.retain(is_whole);
            for tick in &mut self.ticks {
                tick.label = tick.label.take().map(|_| value(tick.value, 15));
            }
        }
        self
    }

    /// An axis with ticks that are given.
    pub fn with_ticks(
        transform: Transform,
        lo: f64,
        hi: f64,
        span: (f64, f64),
        ticks: Vec<Tick>,
    ) -> Self {
        Axis {
            transform: transform.over(lo, hi),
            lo,
            hi,
            from: span.0,
            to: span.1,
            ticks,
        }
    }

    /// Where a value lies on the page.
    pub fn at(&self, value: f64) -> f64 {
        self.at_place(self.transform.forward(value))
    }

    /// Where a transformed value lies on the page.
    pub fn at_place(&self, place: f64) -> f64 {
        let (a, b) = (
            self.transform.forward(self.lo),
            self.transform.forward(self.hi),
        );
        self.from + (place - a) / (b - a) * (self.to - self.from)
    }

    /// The value at a place on the page.
    pub fn value(&self, page: f64) -> f64 {
        let (a, b) = (
            self.transform.forward(self.lo),
            self.transform.forward(self.hi),
        );
        self.transform
            .inverse(a + (page - self.from) / (self.to - self.from) * (b - a))
    }

    /// The axis as data, with a label.
    pub fn side(&self, label: impl Into<String>) -> Side {
        Side {
            label: label.into(),
            transform: self.transform,
            lo: self.lo,
            hi: self.hi,
            ticks: self.ticks.clone(),
        }
    }

    /// The width of the widest label.
    pub fn label_width(&self, size: f64) -> f64 {
        let widths = self.ticks.iter().filter_map(|t| t.label.as_deref());
        widths.map(|l| text::width(l, size)).fold(0.0, f64::max)
    }

    /// How far labels reach beyond the upper end of a horizontal axis.
    pub fn overhang(&self, size: f64) -> f64 {
        let reach = |t: &Tick| {
            let half = t.label.as_ref().map_or(0.0, |l| text::width(l, size) / 2.0);
            self.at(t.value) + half - self.to
        };
        self.ticks.iter().map(reach).fold(0.0, f64::max)
    }

    pub fn lo(&self) -> f64 {
        self.lo
    }

    pub fn hi(&self) -> f64 {
        self.hi
    }

    /// Whether the value is on the axis.
    pub fn holds(&self, value: f64) -> bool {
        value >= self.lo && value <= self.hi
    }
}
