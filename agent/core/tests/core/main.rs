//! Rules of the machine, cheapest first, and the crash test.

mod build;
mod lifecycle;
