//! Several blobs at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::parallel::in_threads;

/// How many blobs are transferred at once: registries handle several connections well, and a slow one is not flooded.
const WORKERS: usize = 4;

/// Does the same to every item, several at a time; after a failure none is begun any more.
pub(crate) fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let has_failed = AtomicBool::new(false);
    let results = in_threads(WORKERS, items, |item| {
        if has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let result = work(item);
        has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
        Some(result)
    });
    results.into_iter().flatten().collect()
}
