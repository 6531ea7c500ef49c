//! Waiting for a level with a deadline. Besides this only networks that are to be slow sleep.

use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// Asks `probe` again and again for `time`, and panics with `what` at its first complaint: something has to hold all the while.
pub async fn throughout(what: &str, time: Duration, mut probe: impl AsyncFnMut() -> Result<(), String>) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        if let Err(complaint) = probe().await {
            panic!("{what} did not hold after {:?}: {complaint}", begin.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Asks `probe` until it answers `Some`, or panics with `what` and the last complaint when `deadline` has passed.
pub async fn until<T, F, Fut>(what: &str, deadline: Duration, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let end = Instant::now() + deadline;
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(complaint) if Instant::now() >= end => panic!("waited {deadline:?} for {what}: {complaint}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Lets a fault last: the one wait here that is for time alone.
pub async fn for_as_long_as(lasts: Duration) {
    tokio::time::sleep(lasts).await;
}
