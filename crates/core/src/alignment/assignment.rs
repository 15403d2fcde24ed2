//! Linear assignment: each row gets a column of its own, at least total cost.

/// The columns of the rows, of all permutations one of least total cost `sum_i cost[i][column(i)]`.
///
/// `cost` is `n x n`, row-major. Shortest augmenting paths with dual prices (Jonker and Volgenant,
/// *A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems*, 1987,
/// without its initial reduction): `O(n^3)` at worst, near `O(n^2)` for nearly diagonal costs.
///
/// `None` when `cost` does not have `n^2` values, or one is not finite.
pub fn assign(cost: &[f64], n: usize) -> Option<Vec<usize>> {
    let fits = n.checked_mul(n) == Some(cost.len());
    if !fits || cost.iter().any(|c| !c.is_finite()) {
        return None;
    }
    let mut state = Assignment {
        cost,
        n,
        rows: vec![0.0; n],
        columns: vec![0.0; n],
        row_of: vec![NONE; n],
    };
    for row in 0..n {
        state.augment(row);
    }
    let mut column_of = vec![0; n];
    for (column, &row) in state.row_of.iter().enumerate() {
        column_of[row] = column;
    }
    Some(column_of)
}

const NONE: usize = usize::MAX;

struct Assignment<'a> {
    cost: &'a [f64],
    n: usize,
    /// Prices: `cost - rows - columns` is never negative, and zero where assigned.
    rows: Vec<f64>,
    columns: Vec<f64>,
    row_of: Vec<usize>,
}

/// The shortest ways from a row to all columns, over assigned rows.
struct Search {
    distance: Vec<f64>,
    before: Vec<usize>,
    done: Vec<bool>,
}

impl Assignment<'_> {
    /// Gives a row a column, moving others as it must.
    fn augment(&mut self, start: usize) {
        let mut search = Search {
            distance: vec![f64::INFINITY; self.n],
            before: vec![NONE; self.n],
            done: vec![false; self.n],
        };
        let (mut row, mut via, mut reached) = (start, NONE, 0.0);
        let last = loop {
            let next = self.relax(&mut search, row, via, reached);
            reached = search.distance[next];
            search.done[next] = true;
            if self.row_of[next] == NONE {
                break next;
            }
            (row, via) = (self.row_of[next], next);
        };
        self.reprice(&search, start, reached);
        self.shift(&search, start, last);
    }

    /// Looks from a row at all columns; the nearest that is not done.
    fn relax(&self, search: &mut Search, row: usize, via: usize, reached: f64) -> usize {
        let costs = &self.cost[row * self.n..][..self.n];
        let (mut nearest, mut least) = (NONE, f64::INFINITY);
        for (column, cost) in costs.iter().enumerate() {
            if search.done[column] {
                continue;
            }
            let distance = reached + cost - self.rows[row] - self.columns[column];
            if distance < search.distance[column] {
                search.distance[column] = distance;
                search.before[column] = via;
            }
            if search.distance[column] < least || nearest == NONE {
                (nearest, least) = (column, search.distance[column]);
            }
        }
        nearest
    }

    fn reprice(&mut self, search: &Search, start: usize, reached: f64) {
        self.rows[start] += reached;
        for column in (0..self.n).filter(|&c| search.done[c]) {
            let slack = reached - search.distance[column];
            self.columns[column] -= slack;
            if self.row_of[column] != NONE {
                self.rows[self.row_of[column]] += slack;
            }
        }
    }

    /// Moves each row on the way to the next column of it.
    fn shift(&mut self, search: &Search, start: usize, last: usize) {
        let mut column = last;
        while search.before[column] != NONE {
            let before = search.before[column];
            self.row_of[column] = self.row_of[before];
            column = before;
        }
        self.row_of[column] = start;
    }
}
