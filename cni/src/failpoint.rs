//! Named places at which a test kills the agent; without the feature `failpoints` there is nothing at them.

/// Marks such a place. All names stand in one list, in the tests that use them.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name);
    };
    // Passed only where what it follows was done.
    ($name:literal if $done:expr) => {
        #[cfg(feature = "failpoints")]
        if $done {
            fail::fail_point!($name);
        }
    };
}
pub(crate) use failpoint;
