//! The two forms of a fault test: the short one of `make test` and the long one of `make soak`. The code is the same.

/// True in `make soak`: `WHARF_LONG=1`.
pub fn is_long() -> bool {
    std::env::var_os("WHARF_LONG").is_some_and(|value| value == "1")
}

/// The count for the form that runs.
pub fn pick<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}
