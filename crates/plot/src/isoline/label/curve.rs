/// A line on the page, measured along itself.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    points: Vec<(f64, f64)>,
    /// Length from the start to each point; one more for the way back of a closed line.
    reach: Vec<f64>,
    closed: bool,
}

impl Curve {
    pub fn new(mut points: Vec<(f64, f64)>, closed: bool) -> Self {
        if closed && let Some(first) = points.first().copied() {
            points.push(first);
        }
        let mut length = 0.0;
        let mut reach = vec![0.0; points.len().min(1)];
        for w in points.windows(2) {
            length += libm::hypot(w[1].0 - w[0].0, w[1].1 - w[0].1);
            reach.push(length);
        }
        Curve {
            points,
            reach,
            closed,
        }
    }

    /// Its points; of a closed line the last is the first.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    pub fn length(&self) -> f64 {
        self.reach.last().copied().unwrap_or(0.0)
    }

    pub fn closed(&self) -> bool {
        self.closed
    }

    /// The way of a place along the line, between 0 and the length; closed lines go round.
    fn wrapped(&self, s: f64) -> f64 {
        let length = self.length();
        match self.closed && length > 0.0 {
            true => s - length * libm::floor(s / length),
            false => s.clamp(0.0, length),
        }
    }

    /// The point at a way along the line.
    pub fn at(&self, s: f64) -> (f64, f64) {
        let s = self.wrapped(s);
        let k = self.reach.partition_point(|r| *r <= s).max(1) - 1;
        if k + 1 >= self.points.len() {
            return self.points[self.points.len() - 1];
        }
        let (a, b) = (self.points[k], self.points[k + 1]);
        let share = (s - self.reach[k]) / (self.reach[k + 1] - self.reach[k]);
        (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
    }

    /// Points about every `step` along the line.
    pub fn samples(&self, step: f64) -> Vec<(f64, f64)> {
        let n = libm::ceil(self.length() / step).max(1.0) as usize;
        (0..=n)
            .map(|k| self.at(self.length() * k as f64 / n as f64))
            .collect()
    }

    /// The part between two ways with `0 <= from < to <= length`.
    fn part(&self, from: f64, to: f64) -> Vec<(f64, f64)> {
        let mut points = vec![self.at(from)];
        let first = self.reach.partition_point(|r| *r <= from);
        let last = self.reach.partition_point(|r| *r < to);
        points.extend(self.points.iter().take(last).skip(first));
        let end = match to >= self.length() {
            true => self.points[self.points.len() - 1],
            false => self.at(to),
        };
        points.push(end);
        points
    }

    /// What is left of the line without the given gaps, each `(centre, half length)`. A line
    /// without gaps stays whole, and closed.
    pub fn without(&self, gaps: &[(f64, f64)]) -> Vec<(Vec<(f64, f64)>, bool)> {
        if gaps.is_empty() {
            let mut points = self.points.clone();
            if self.closed {
                points.pop();
            }
            return vec![(points, self.closed)];
        }
        let mut cuts: Vec<(f64, f64)> = gaps
            .iter()
            .flat_map(|(s, half)| self.interval(s - half, s + half))
            .collect();
        cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left = Vec::new();
        let mut from = 0.0;
        for (a, b) in cuts {
            left.push((from, a));
            from = b.max(from);
        }
        left.push((from, self.length()));
        self.glued(left)
    }

    /// An interval of ways; one that passes the start of a closed line is two.
    fn interval(&self, a: f64, b: f64) -> Vec<(f64, f64)> {
        let length = self.length();
        match self.closed {
            true if a < 0.0 => vec![(0.0, b), (a + length, length)],
            true if b > length => vec![(0.0, b - length), (a, length)],
            _ => vec![(a.max(0.0), b.min(length))],
        }
    }

    /// Parts as points; the last and the first of a closed line that meet at its start are one.
    fn glued(&self, parts: Vec<(f64, f64)>) -> Vec<(Vec<(f64, f64)>, bool)> {
        let kept: Vec<(f64, f64)> = parts.into_iter().filter(|(a, b)| b - a > 1e-6).collect();
        let mut lines: Vec<Vec<(f64, f64)>> = kept.iter().map(|(a, b)| self.part(*a, *b)).collect();
        let meet = self.closed
            && lines.len() > 1
            && kept[0].0 <= 0.0
            && kept[kept.len() - 1].1 >= self.length();
        if meet && let Some(mut last) = lines.pop() {
            last.extend(lines[0].iter().skip(1));
            lines[0] = last;
        }
        lines.into_iter().map(|l| (l, false)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Curve {
        Curve::new(
            vec![(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)],
            true,
        )
    }

    fn total(parts: &[(Vec<(f64, f64)>, bool)]) -> f64 {
        parts
            .iter()
            .map(|(p, _)| Curve::new(p.clone(), false).length())
            .sum()
    }

    #[test]
    fn ways_go_round_closed_lines() {
        let c = square();
        assert_eq!(c.length(), 40.0);
        assert_eq!(c.at(-5.0), (0.0, 5.0));
        assert_eq!(c.at(45.0), (5.0, 0.0));
    }

    #[test]
    fn gaps_take_away_their_length() {
        let c = square();
        assert_eq!(c.without(&[])[0].0.len(), 4);
        let one = c.without(&[(0.0, 3.0)]);
        assert_eq!(one.len(), 1);
        assert!((total(&one) - 34.0).abs() < 1e-9);
        let two = c.without(&[(5.0, 2.0), (25.0, 2.0)]);
        assert_eq!(two.len(), 2);
        assert!((total(&two) - 32.0).abs() < 1e-9);
        let open = Curve::new(vec![(0.0, 0.0), (10.0, 0.0)], false);
        assert_eq!(open.without(&[(5.0, 1.0)]).len(), 2);
    }
}
