//! Which of the batches stored last are written again together with the next one.
//!
//! DuckDB gives the rows of each transaction blocks of their own, some 500 KB however few they are: a
//! recorder that stores twice a second would write a gigabyte an hour. So batches are gathered as a
//! binary counter carries: one that is not more than twice as large as what comes after it goes along.
//! Each byte is written `log2` of the number of batches times, until it is part of a large batch.

/// Batches of more bytes than this stay where they are.
const LARGE: usize = 4 << 20;

/// The batches stored last, each with its first step and its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Vec<(u64, usize)>);

impl Tail {
    /// The tail once a batch is stored with those before that go along.
    pub(super) fn grown(&self, first: u64, bytes: usize) -> Tail {
        let mut tail = self.0.clone();
        let mut new = (first, bytes);
        while let Some(&(first, bytes)) = tail.last()
            && bytes <= 2 * new.1
            && new.1 < LARGE
        {
            tail.pop();
            new = (first, bytes + new.1);
        }
        // Nothing before a large batch goes along with anything.
        if new.1 >= LARGE {
            tail.clear();
        }
        tail.push(new);
        Tail(tail)
    }

    /// The first step of those that go along with a batch from `first` on.
    pub(super) fn gather(&self, first: u64) -> Option<u64> {
        let (from, _) = self.0.last()?;
        (*from < first).then_some(*from)
    }

    /// Leaves all that is stored where it is.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand batches of 1 KiB: each byte is written some log2(1000) times, few batches are left.
    #[test]
    fn small_batches_are_gathered_as_a_counter_carries() {
        let (mut tail, mut written) = (Tail::default(), 0);
        for step in 0..1000 {
            tail = tail.grown(step, 1024);
            assert!(tail.0.len() <= 11, "{}", tail.0.len());
            assert_eq!(
                tail.0.iter().map(|b| b.1).sum::<usize>(),
                1024 * (step as usize + 1)
            );
            assert_eq!(tail.gather(step).is_some(), tail.0.last().unwrap().0 < step);
            written += tail.0.last().unwrap().1;
        }
        assert!(written <= 11 * 1000 * 1024, "{written}");
    }

    #[test]
    fn large_batches_stay() {
        let tail = Tail::default().grown(0, LARGE).grown(5, LARGE / 4);
        assert_eq!(tail.gather(5), None);
        let tail = Tail::default().grown(0, 10).grown(3, LARGE);
        assert_eq!(tail.gather(3), None);
    }
}
