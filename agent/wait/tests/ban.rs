//! The ban of waits that pass this crate by holds: here each of them is made once, and is expected to be refused.
//!
//! `cargo clippy` finds an expectation that nothing fulfils, so a line of `clippy.toml` that bans nothing (a method that was renamed,
//! say) fails `make check`. The test looks the other way round: each line of `clippy.toml` has its example here.

use std::future::Ready;

macro_rules! refused {
    ($($path:literal => $method:expr),* $(,)?) => {
        const REFUSED: &[&str] = &[$($path),*];

        #[test]
        fn each_is_refused_where_it_is_made() {
            $(
                #[expect(clippy::disallowed_methods, reason = "the ban is what is shown here")]
                let _ = $method;
            )*
        }
    };
}

refused! {
    "tokio::time::timeout" => tokio::time::timeout::<Ready<()>>,
    "tokio::time::timeout_at" => tokio::time::timeout_at::<Ready<()>>,
    "tokio::time::sleep" => tokio::time::sleep,
    "tokio::time::sleep_until" => tokio::time::sleep_until,
    "tokio::time::interval" => tokio::time::interval,
    "tokio::time::interval_at" => tokio::time::interval_at,
    "tokio::time::Interval::tick" => tokio::time::Interval::tick,
    "std::thread::sleep" => std::thread::sleep,
    "tokio::sync::mpsc::Receiver::recv" => tokio::sync::mpsc::Receiver::<()>::recv,
    "tokio::sync::mpsc::Receiver::recv_many" => tokio::sync::mpsc::Receiver::<()>::recv_many,
    "tokio::sync::mpsc::Sender::send" => tokio::sync::mpsc::Sender::<()>::send,
    "tokio::sync::mpsc::Sender::reserve" => tokio::sync::mpsc::Sender::<()>::reserve,
    "tokio::sync::Semaphore::acquire" => tokio::sync::Semaphore::acquire,
    "tokio::sync::Semaphore::acquire_owned" => tokio::sync::Semaphore::acquire_owned,
    "tokio::sync::Notify::notified" => tokio::sync::Notify::notified,
    "tokio::sync::watch::Receiver::wait_for" => |value: &mut tokio::sync::watch::Receiver<()>| drop(value.wait_for(|()| true)),
    "tokio::sync::watch::Receiver::changed" => tokio::sync::watch::Receiver::<()>::changed,
    "tokio::task::JoinSet::join_next" => tokio::task::JoinSet::<()>::join_next,
    "tokio::sync::mpsc::Receiver::blocking_recv" => tokio::sync::mpsc::Receiver::<()>::blocking_recv,
    "tokio::sync::mpsc::Receiver::blocking_recv_many" => tokio::sync::mpsc::Receiver::<()>::blocking_recv_many,
    "tokio::sync::mpsc::Sender::blocking_send" => tokio::sync::mpsc::Sender::<()>::blocking_send,
    "tokio::sync::oneshot::channel" => tokio::sync::oneshot::channel::<()>,
    "tokio::task::spawn_blocking" => tokio::task::spawn_blocking::<fn(), ()>,
    "tokio::task::block_in_place" => tokio::task::block_in_place::<fn(), ()>,
    "tokio::runtime::Handle::spawn_blocking" => tokio::runtime::Handle::spawn_blocking::<fn(), ()>,
    "std::thread::JoinHandle::join" => std::thread::JoinHandle::<()>::join,
    "std::thread::ScopedJoinHandle::join" => std::thread::ScopedJoinHandle::<()>::join,
    "std::thread::park" => std::thread::park,
    "std::sync::mpsc::Receiver::recv" => std::sync::mpsc::Receiver::<()>::recv,
    "std::sync::mpsc::Receiver::recv_timeout" => std::sync::mpsc::Receiver::<()>::recv_timeout,
    "std::sync::mpsc::Receiver::iter" => std::sync::mpsc::Receiver::<()>::iter,
    "std::sync::mpsc::SyncSender::send" => std::sync::mpsc::SyncSender::<()>::send,
    "std::sync::Barrier::wait" => std::sync::Barrier::wait,
    "std::sync::Condvar::wait" => std::sync::Condvar::wait::<()>,
    "std::sync::Condvar::wait_while" => std::sync::Condvar::wait_while::<(), fn(&mut ()) -> bool>,
    "std::sync::Condvar::wait_timeout" => std::sync::Condvar::wait_timeout::<()>,
    "std::sync::Condvar::wait_timeout_while" => std::sync::Condvar::wait_timeout_while::<(), fn(&mut ()) -> bool>,
    "tokio::spawn" => tokio::spawn::<Ready<()>>,
    "tokio::runtime::Handle::spawn" => tokio::runtime::Handle::spawn::<Ready<()>>,
    "tokio::runtime::Runtime::spawn" => tokio::runtime::Runtime::spawn::<Ready<()>>,
    "tokio_util::task::TaskTracker::spawn" => tokio_util::task::TaskTracker::spawn::<Ready<()>>,
    "tokio_util::task::TaskTracker::spawn_on" => tokio_util::task::TaskTracker::spawn_on::<Ready<()>>,
    "tokio_util::task::TaskTracker::spawn_blocking" => tokio_util::task::TaskTracker::spawn_blocking::<fn(), ()>,
    "tokio_util::task::TaskTracker::wait" => tokio_util::task::TaskTracker::wait,
    "tokio::task::JoinSet::join_all" => tokio::task::JoinSet::<()>::join_all,
    "tokio::task::JoinSet::shutdown" => tokio::task::JoinSet::<()>::shutdown,
    "tokio::sync::Mutex::lock" => tokio::sync::Mutex::<()>::lock,
    "tokio::sync::Mutex::lock_owned" => tokio::sync::Mutex::<()>::lock_owned,
    "tokio::sync::RwLock::read" => tokio::sync::RwLock::<()>::read,
    "tokio::sync::RwLock::write" => tokio::sync::RwLock::<()>::write,
    "tokio::sync::Barrier::wait" => tokio::sync::Barrier::wait,
}

/// A ban that is not shown above is not known to hold.
#[test]
fn each_method_that_is_banned_is_shown_to_be_refused() {
    let list = include_str!("../../../clippy.toml");
    let banned: Vec<&str> = list.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(banned, REFUSED);
}
