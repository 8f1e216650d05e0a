//! Work on several processors.
//!
//! Takes in work that shares nothing; gives out results in the order of the items, whichever was done first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does the same to every item, as many at a time as there are processors.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    in_threads(thread::available_parallelism().map_or(1, usize::from), items, work)
}

/// The same with a number of threads: what waits for others needs no processor.
pub(crate) fn in_threads<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let indexes = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let taken = indexes.map_while(|index| Some((index, items.get(index)?)));
        taken.map(|(index, item)| (index, work(item))).collect::<Vec<_>>()
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        done.extend(others.into_iter().flat_map(|other| other.join().expect("work does not panic")));
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(in_parallel(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(in_parallel(&[], |item: &u32| *item).is_empty());
    }
}
